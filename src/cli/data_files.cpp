#include "cli/data_files.hpp"

#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"
#include "log/directory.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace tranter::cli {
namespace {

/// Whether somebody holds the lock of log::DataDirectory.
bool is_locked(const std::filesystem::path& directory) {
    const int lock = ::open((directory / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) return false;
    const bool locked = ::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(lock);
    return locked;
}

}  // namespace

Result<LookedAt> look_at(const std::filesystem::path& directory) {
    std::error_code failure;
    if (!std::filesystem::exists(directory, failure) && !failure) {
        return fail(Errc::not_found, fmt::format("{} does not exist", directory.string()));
    }
    LookedAt store{.disk = log::open_directory(directory)};
    const auto identity = log::read_identity(*store.disk);
    if (!identity) {
        return fail(Errc::not_found, fmt::format("{} holds no store", directory.string()));
    }
    store.identity = *identity;
    store.in_use = is_locked(directory);
    if (store.in_use) say(fmt::format("a server is running on {}", directory.string()));
    return store;
}

log::StoreScan scan_settled(
    const LookedAt& store, log::RecordVisitor& visitor, const std::function<void()>& restart
) {
    for (int left = store.in_use ? read_tries_max : 1;; --left) {
        try {
            log::StoreScan scan = log::scan_store(*store.disk, true, visitor);
            if (left == 1 || real_damage(scan.damage()).empty()) return scan;
        } catch (const log::DiskError&) {
            if (left == 1) throw;
        }
        restart();
    }
}

std::unique_ptr<log::File> open_if_there(log::Disk& disk, const std::string& name) {
    try {
        return disk.open(name);
    } catch (const log::DiskError&) {
        if (disk.exists(name)) throw;
        return nullptr;
    }
}

std::vector<log::Damage> real_damage(const std::vector<log::Damage>& all) {
    std::vector<log::Damage> real;
    std::ranges::copy_if(all, std::back_inserter(real), [](const log::Damage& damage) {
        return !damage.torn_tail;
    });
    return real;
}

void say_damage(const std::vector<log::Damage>& all) {
    for (const log::Damage& damage : all) {
        say(fmt::format(
            "{} at offset {}: {}{}",
            damage.file,
            damage.offset,
            damage.what,
            damage.torn_tail ? ", a torn tail that is cut when the store is opened" : ""
        ));
    }
}

Json damage_record(const log::Damage& damage) {
    Json record;
    record.set("file", damage.file)
        .set("offset", damage.offset)
        .set("what", damage.what)
        .set("torn_tail", damage.torn_tail);
    return record;
}

ScanTotals totals_of(std::span<const log::SegmentScan> segments) {
    ScanTotals totals;
    for (const log::SegmentScan& segment : segments) {
        totals.bytes += segment.end;
        totals.records += segment.records;
        totals.commits += segment.commits;
    }
    return totals;
}

Output data_output(const Arguments& arguments, Progress& progress) {
    Output::Options options = stdout_options(arguments);
    options.progress = &progress;
    return Output(options);
}

std::vector<Option> data_options(std::vector<Option> own) {
    own.push_back(output_option({"table", "json", "ndjson"}));
    return own;
}

}  // namespace tranter::cli
