#include "providers/broker_history.hpp"

#include "base/log.hpp"

#include <chrono>

namespace tranter::providers {
namespace {

constexpr auto list_wait_max = std::chrono::seconds(1);
constexpr auto remove_wait_max = std::chrono::seconds(30);
/// What is kept of each queue in memory.
constexpr std::size_t kept_in_memory = 1'000;
constexpr std::size_t queued_in_memory_max = 10'000;

history::HistoryOptions history_options(const std::filesystem::path& directory) {
    history::HistoryOptions options;
    if (directory.empty()) {
        options.entries_per_queue_max = kept_in_memory;
    } else {
        options.path = directory / "history.db";
    }
    return options;
}

history::WriterOptions writer_options(const std::filesystem::path& directory) {
    history::WriterOptions options;
    if (directory.empty()) {
        options.queued_entries_max = queued_in_memory_max;
        // Nothing is safer for being written, and who asks has it written first. The later it is,
        // the more need not be written at all.
        options.batch_entries = queued_in_memory_max / 2;
        options.batch_wait = std::chrono::seconds(1);
        options.kept_per_queue = kept_in_memory;
        options.finish = false;
    }
    return options;
}

}  // namespace

JobHistory::JobHistory(const std::filesystem::path& directory, const Clock& clock)
    : store_(history::open_history(history_options(directory), clock)),
      writer_(*store_, writer_options(directory)) {}

std::unique_ptr<JobHistory> open_job_history(
    const std::filesystem::path& directory, const Clock& clock
) {
    try {
        return std::make_unique<JobHistory>(directory, clock);
    } catch (const SystemError& error) {
        log_error("history", "jobs that finish are not kept", {{"error", error.what()}});
        return nullptr;
    }
}

Result<std::optional<history::JobEntry>> JobHistory::find(std::string_view id) {
    auto waiting = writer_.find(id);
    auto stored = store_->find(id);
    if (!stored && !waiting) return stored;
    return history::later_end(
        std::move(waiting), stored ? std::move(*stored) : std::optional<history::JobEntry>()
    );
}

Result<std::vector<std::optional<history::JobEnd>>> JobHistory::ends_of(
    std::span<const std::string> ids
) {
    std::vector<std::optional<history::JobEntry>> waiting;
    waiting.reserve(ids.size());
    for (const std::string& id : ids)
        waiting.push_back(writer_.find(id));
    auto ends = store_->ends_of(ids);
    if (!ends) return ends;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::optional<history::JobEnd>& end = (*ends)[i];
        const std::optional<history::JobEntry>& later = waiting[i];
        if (!later || (end && end->finished > later->finished)) continue;
        end = history::JobEnd{.state = later->state, .finished = later->finished};
    }
    return ends;
}

Result<> JobHistory::remove(std::string_view id) {
    // Otherwise it would be written after it was removed.
    if (!writer_.flush_for(remove_wait_max)) {
        return fail(Errc::unavailable, "the history does not keep up with what is finished");
    }
    const auto removed = store_->remove(id);
    if (!removed) return std::unexpected(removed.error());
    return {};
}

Result<history::Page> JobHistory::list(
    const history::HistoryFilter& filter, const history::PageRequest& request
) {
    writer_.flush_for(list_wait_max);
    return store_->list(filter, request);
}

}  // namespace tranter::providers
