#include "providers/broker_history.hpp"

#include "base/log.hpp"

#include <chrono>

namespace tranter::providers {
namespace {

constexpr auto list_wait_max = std::chrono::seconds(1);
/// What is kept in memory is at most 1,000 jobs of each queue, so more that wait only cost memory.
constexpr std::size_t queued_in_memory_max = 10'000;

history::HistoryOptions history_options(const std::filesystem::path& directory) {
    history::HistoryOptions options;
    if (!directory.empty()) options.path = directory / "history.db";
    return options;
}

history::WriterOptions writer_options(const std::filesystem::path& directory) {
    history::WriterOptions options;
    if (directory.empty()) {
        options.queued_entries_max = queued_in_memory_max;
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

Result<history::Page> JobHistory::list(
    const history::HistoryFilter& filter, const history::PageRequest& request
) {
    writer_.flush_for(list_wait_max);
    return store_->list(filter, request);
}

}  // namespace tranter::providers
