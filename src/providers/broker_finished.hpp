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
#include <utility>
#include <vector>

namespace tranter::providers {

/// An attempt that ended, as it is when it does: what people read is made of it later.
struct FinishedJob {
    const engine::Payload& payload;
    history::State state = history::State::completed;
    std::uint32_t receive_count = 0;
    Instant sent_at{};
    Instant received_at{};  // {}: never
    Instant at{};
    std::optional<Instant> due{};  // failed: when the next attempt is
    std::string_view group{};
    std::string_view note{};  // with what earlier attempts left
    std::string_view result{};
    std::string_view reason{};
    std::string_view worker{};
    RunningNotesPtr notes{};  // null: none
};

/// Of `message` what it has to say of itself, which lives as long as the message does.
FinishedJob finished_job(const engine::MessageView& message, history::State state, Instant at);

/// Attempts of one queue's jobs, on their way into the history. Filled by one thread, then shared
/// and left alone. A million of them wait when jobs are fast, so each is kept small.
class FinishedJobs final : public history::EntrySource {
  public:
    FinishedJobs(std::string queue, broker::SettingsSnapshot settings)
        : queue_(std::move(queue)), settings_(std::move(settings)) {}

    void reserve(std::size_t jobs) { jobs_.reserve(jobs); }
    void add(const FinishedJob& job);

    bool empty() const { return jobs_.empty(); }
    std::string_view queue() const override { return queue_; }
    std::size_t entries() const override { return jobs_.size(); }
    std::size_t ends() const override { return ends_; }
    std::size_t bytes() const override;
    void append_to(std::vector<history::JobEntry>& out) const override;
    std::optional<history::JobEntry> find(std::string_view id) const override;

    /// Valid while this lives. `position` counts from 0, in the order they were added.
    FinishedJob job(std::size_t position) const;
    const broker::QueueSettings& settings() const { return *settings_; }

  private:
    struct Kept {
        engine::Payload payload{};
        Instant sent_at{};
        Instant received_at{};
        Instant at{};
        Instant due{};         // {}: none
        std::size_t text = 0;  // where its texts begin in texts_, one after the other
        std::uint32_t group_bytes = 0;
        std::uint32_t note_bytes = 0;
        std::uint32_t result_bytes = 0;
        std::uint32_t reason_bytes = 0;
        std::uint32_t worker_bytes = 0;
        std::uint32_t receive_count = 0;
        history::State state = history::State::completed;
        bool has_notes = false;
    };
    history::JobEntry entry(std::size_t position) const;
    RunningNotesPtr notes_of(std::size_t position) const;

    const std::string queue_;
    const broker::SettingsSnapshot settings_;  // shared with the queue
    std::vector<Kept> jobs_{};
    std::string texts_{};
    std::vector<std::pair<std::size_t, RunningNotesPtr>> notes_{};  // by position, ascending
    std::size_t payload_bytes_ = 0;
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
