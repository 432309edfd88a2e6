#include "base/unicode.hpp"
#include "cli/data_actions.hpp"
#include "cli/data_copy.hpp"
#include "cli/data_replay.hpp"
#include "cli/terminal.hpp"
#include "history/backup.hpp"
#include "log/directory.hpp"
#include "schedule/backup.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tranter::cli {
namespace {

namespace fs = std::filesystem;

/// Makes the target, for its owner only, or finds it empty.
Result<> prepare_target(const fs::path& target) {
    std::error_code failure;
    if (fs::exists(target, failure)) {
        if (!fs::is_directory(target, failure)) {
            return fail(
                Errc::already_exists,
                fmt::format("{} is a file, expected a directory", in_quotes(target.string()))
            );
        }
        if (!fs::is_empty(target, failure) || failure) {
            return fail(
                Errc::already_exists,
                fmt::format(
                    "{} is not empty, expected an empty directory or none",
                    in_quotes(target.string())
                )
            );
        }
        return {};
    }
    fs::path made = fs::absolute(target).lexically_normal();
    if (!made.has_filename()) made = made.parent_path();  // "name/"
    const fs::path parent = made.parent_path();
    fs::create_directories(parent, failure);
    if (failure || ::mkdir(made.c_str(), S_IRWXU) != 0) {
        const int cause = failure ? failure.value() : errno;
        throw SystemError(
            "cannot make directory " + target.string() + ": " +
            std::generic_category().message(cause)
        );
    }
    log::open_directory(parent)->sync_directory();
    return {};
}

/// Reads the copy as `data verify` does.
log::StoreScan verify_copy(log::Disk& disk) {
    log::IgnoreRecords ignore;
    log::StoreScan scan = log::scan_store(disk, false, ignore);
    const auto damage = real_damage(scan.damage());
    if (damage.empty()) return scan;
    throw log::CorruptLog(
        disk.path_of(damage.front().file) + " at offset " + std::to_string(damage.front().offset) +
        ": " + damage.front().what + "; the store that was copied is damaged there"
    );
}

/// Before the log: of a slot that becomes a job in between the copy knows nothing yet, so that it
/// becomes that job again, by the same id. The other way round it would be lost. A copy of the
/// messages is worth having without it.
Result<schedule::StoreFileFigures> back_up_schedules(const fs::path& from, const fs::path& to) {
    const auto copied =
        schedule::copy_store_file(from / schedule::schedules_file, to / schedule::schedules_file);
    if (copied) return copied->value_or(schedule::StoreFileFigures{});
    return fail(
        copied.error().code(), "the schedules are not in the copy: " + copied.error().message()
    );
}

/// After the log: of a job that ends in between the copy may know twice, which the next look at it
/// clears up, but never not at all. A copy of the messages is worth having without it.
Result<history::FileFigures> back_up_history(const fs::path& from, const fs::path& to) {
    const auto copied =
        history::copy_history(from / history::history_file, to / history::history_file);
    if (copied) return copied->value_or(history::FileFigures{});
    return fail(
        copied.error().code(),
        "the history of finished jobs is not in the copy: " + copied.error().message()
    );
}

}  // namespace

Result<int> backup_data(const Arguments& arguments) {
    const std::string directory = arguments.text("DIR");
    const std::string target = arguments.text("TARGET");
    auto source = look_at(directory);
    if (!source) return std::unexpected(source.error());
    if (auto prepared = prepare_target(target); !prepared) {
        return std::unexpected(prepared.error());
    }
    const auto disk = log::open_directory(target);
    Progress progress;
    progress.start("copying schedules");
    const auto schedules = back_up_schedules(directory, target);
    const auto segments = log::list_segments(*source->disk);
    progress.start("copying, segment", segments.empty() ? 0 : segments.back());
    copy_store(*source->disk, *disk, source->identity, [&](log::SegmentNumber number) {
        progress.update(number);
    });
    progress.start("copying finished jobs");
    const auto ended = back_up_history(directory, target);
    disk->sync_directory();
    progress.start("verifying");
    const log::StoreScan scan = verify_copy(*disk);
    const auto copy = look_at(target);
    if (!copy) return std::unexpected(copy.error());
    const Replayed held = replay(*copy);
    progress.stop();

    const ScanTotals totals = totals_of(scan.segments);
    Json record;
    record.set("target", target)
        .set("segments", scan.segments.size())
        .set("bytes", totals.bytes)
        .set("records", totals.records)
        .set("queues", held.queues.size())
        .set("messages", held.messages)
        .set("finished_jobs", ended ? ended->entries : 0)
        .set("schedules", schedules ? schedules->schedules : 0)
        .set("jobs_for_later", schedules ? schedules->waiting_jobs : 0);
    data_output(arguments, progress).one(record);
    if (!ended) say(ended.error().message());
    if (!schedules) say(schedules.error().message());
    if (ended && schedules) return 0;
    say("everything else is in the copy");
    return 1;
}

}  // namespace tranter::cli
