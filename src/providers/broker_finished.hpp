#pragma once

#include "base/time.hpp"
#include "broker/queue.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"
#include "history/entry.hpp"
#include "history/entry_source.hpp"
#include "providers/broker_running.hpp"

#include <tranter/job.hpp>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// An attempt that ended, as it is when it does: what people read is made of it later.
struct FinishedJob {
    /// As it was, with what earlier attempts left in its note.
    engine::MessageView message{};
    history::State state = history::State::completed;
    Instant at{};
    std::string result{};
    std::string reason{};
    std::string worker{};
    RunningNotesPtr notes{};       // null: none
    std::optional<Instant> due{};  // failed: when the next attempt is
};

/// Attempts of one queue's jobs, on their way into the history.
class FinishedJobs final : public history::EntrySource {
  public:
    /// At least one.
    FinishedJobs(
        std::string queue, broker::SettingsSnapshot settings, std::vector<FinishedJob> jobs
    );

    std::string_view queue() const override { return queue_; }
    std::size_t entries() const override { return jobs_.size(); }
    std::size_t ends() const override { return ends_; }
    std::size_t bytes() const override { return bytes_; }
    void append_to(std::vector<history::JobEntry>& out) const override;
    std::optional<history::JobEntry> find(std::string_view id) const override;

    const std::vector<FinishedJob>& jobs() const { return jobs_; }
    const broker::QueueSettings& settings() const { return *settings_; }

  private:
    const std::string queue_;
    const broker::SettingsSnapshot settings_;  // shared with the queue
    const std::vector<FinishedJob> jobs_;
    std::size_t bytes_ = 0;
    std::size_t ends_ = 0;
    mutable std::once_flag sorted_{};
    /// Positions in the order of the ids; of equal ones the later is last. Made by the first who
    /// looks for one, which is not who settles jobs.
    mutable std::vector<std::uint32_t> by_id_{};
};

history::JobEntry entry_of(
    const FinishedJob& job, std::string_view queue, const broker::QueueSettings& settings
);
/// What history knows of a job.
JobRecord record_of(history::JobEntry entry);

JobState state_of(history::State state);

}  // namespace tranter::providers
