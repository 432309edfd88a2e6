#include "storage/storage.hpp"

#include "storage/log_sizes.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <utility>

namespace tranter::storage {
namespace {

SipKey random_key() {
    SipKey key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        throw SystemError("the kernel gives no random bytes for the receipt key");
    }
    return key;
}

/// Whether every user of the machine can write there. A directory like /tmp, which all of them
/// share, is nothing to keep messages in.
bool check_permissions(const std::filesystem::path& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0 || (info.st_mode & S_IWOTH) == 0) return false;
    if ((info.st_mode & S_ISVTX) != 0) {
        throw SystemError(
            "data directory " + directory.string() +
            " is shared by all users, name a directory of its own below it"
        );
    }
    return true;
}

/// What --repair mends, as against a store of another version, which is whole.
bool can_be_repaired(log::Disk& disk) {
    try {
        return log::read_identity(disk).has_value();
    } catch (const SystemError&) {
        return false;
    }
}

}  // namespace

Storage::Storage(StorageOptions options) {
    if (!options.directory.empty()) {
        open_store(options);
        return;
    }
    options.broker.receipt_key = random_key();
    clock_.emplace();
    memory_ = std::make_unique<broker::Broker>(options.broker, *clock_, null_journal_);
}

Storage::~Storage() = default;

void Storage::open_store(const StorageOptions& options) {
    const auto began = std::chrono::steady_clock::now();
    report_.writable_by_all = check_permissions(options.directory);
    std::error_code failure;
    report_.made = !std::filesystem::exists(options.directory, failure) && !failure;
    directory_ = std::make_unique<log::DataDirectory>(options.directory);
    log::Disk& disk = directory_->disk();
    if (options.repair) {
        report_.lost = log::repair_store(disk);
        std::erase_if(report_.lost, [](const log::Damage& damage) { return damage.torn_tail; });
    }
    const broker::StoreOptions store_options{
        .broker = options.broker,
        .log = fit_log_options(
            {.durability = options.durability, .segment_bytes = options.segment_bytes},
            file_system_bytes(options.directory)
        )};
    const auto start_clock = [this](Instant newest) -> const Clock& {
        report_.clock_behind = std::max(newest - SteadyClock::wall_clock(), Duration::zero());
        return clock_.emplace(newest);
    };
    try {
        store_ = std::make_unique<broker::Store>(disk, store_options, start_clock);
    } catch (const log::CorruptLog& damage) {
        if (!can_be_repaired(disk)) throw;
        throw log::CorruptLog(
            std::string(damage.what()) +
            "; start with --repair to save what is intact, or restore a backup"
        );
    }
    report_.queues = store_->opened().queues;
    report_.messages = store_->opened().messages;
    report_.torn_tail = store_->opened().log.torn_tail;
    const auto took = std::chrono::steady_clock::now() - began;
    report_.took = std::chrono::duration_cast<Duration>(took);
}

void Storage::start() {
    if (store_ && !threads_) {
        threads_ = std::make_unique<log::LogThreads>(store_->log(), store_->keeper());
    }
}

}  // namespace tranter::storage
