#pragma once

#include "worker/observers.hpp"

#include <tranter/context.hpp>
#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/registry.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::worker {

using Steady = std::chrono::steady_clock;
using Moment = Steady::time_point;

struct JobMeter;

/// A job that was received and is not settled yet. Thread-safe, but for what belongs to one of its
/// owners: whoever runs it, and those who renew its lease and settle it at the same time.
///
/// Several may want to end the attempt: the handler that returns, its timeout, a lost lease, the
/// end of the worker. Whoever gets claim() does, and all others find it done.
class Task final : public ContextHost, public std::enable_shared_from_this<Task> {
  public:
    /// `entry` is null when nobody knows the type. `wants_flush` is called when there is something
    /// to flush() that was not there before; it must not call the task.
    struct Surroundings {
        Provider& provider;
        std::function<void(std::shared_ptr<Task>)> wants_flush{};
    };
    Task(ReceivedJob job, const Registry::Entry* entry, Surroundings& surroundings);

    const ReceivedJob& job() const { return job_; }
    const Registry::Entry* entry() const { return entry_; }
    HandlerOptions options() const { return entry_ ? entry_->options : HandlerOptions(); }
    Milliseconds timeout() const { return options().timeout.value_or(job_.options.timeout); }
    const std::stop_source& stop_source() const { return stop_; }

    /// True for the first caller alone.
    bool claim() { return !claimed_.exchange(true); }
    bool claimed() const { return claimed_; }
    /// The same, but what becomes of the attempt is not to be told before its handlers are done
    /// with the job. Whoever sees that they are, or does not wait for them, takes the outcome.
    bool claim_for(AttemptOutcome outcome);
    /// Nothing for all but the first after claim_for().
    std::optional<AttemptOutcome> take_outcome();

    /// Asks the handler to stop, unless somebody did so before for another reason.
    void stop(StopReason reason);

    /// How many runs may begin at first; they are numbered from 1.
    std::uint32_t first_runs() const;
    struct AfterRun {
        std::optional<std::uint32_t> next{};  // this run is to begin now
        std::optional<AttemptOutcome> end{};  // of the attempt
        bool is_last = false;                 // no run is left, whoever has ended the attempt
    };
    /// Keeps what a run has come to. The one that decides the attempt asks the others to stop.
    AfterRun end_run(std::uint32_t run, AttemptOutcome outcome);

    /// Sends lines and progress that were not sent yet. Blocks as the store does; what it refuses
    /// is dropped.
    void flush();

    StopReason stop_reason() const override { return reason_; }
    void log(std::string line) override;
    void set_progress(std::string json) override;
    std::optional<std::string> find_step(std::string_view name) override;
    [[nodiscard]] Result<> save_step(Step step) override;

    // For what is measured. Of the receiver, before anybody else has it:
    JobMeter* meter = nullptr;  // of the Tally; null: not measured
    Moment created{};           // as far as the clocks of both agree
    Moment due{};               // {}: not known
    std::string enqueued_in{};  // its traceparent, where an observer has another one for it
    Observers::Serial seen_by = 0;
    // Told by whoever begins the first run, and by whoever claimed it:
    std::atomic<Moment> begun_at{};
    std::atomic<Moment> ended_at{};

    // Of Leases, read by whoever begins the first run:
    std::atomic<Moment> lease_ends_at{};
    // Guarded by the mutex of Leases.
    struct Lease {
        std::list<std::shared_ptr<Task>>::iterator place{};
        bool held = false;
        Moment renew_at{};
    };
    Lease lease{};

    // Guarded by the mutex of the Board.
    struct Group {
        std::size_t here = 0;  // jobs of it
        std::size_t held = 0;  // places that they hold
    };
    struct Seat {
        std::size_t queue = 0;
        Group* group = nullptr;  // null: none
        bool is_taken = false;
    };
    Seat seat{};        // see Places
    Moment added_at{};  // since when it waits: for a place, or for somebody to be free
    bool has_begun = false;
    std::uint32_t runs_here = 0;  // of one that has begun, those that wait or run
    std::optional<Moment> times_out_at{};
    bool has_timed_out = false;  // then the same is when its handlers are not waited for any more

  private:
    /// Whether the runs of the attempt have succeeded together.
    enum class Decision : std::uint8_t { open, success, failure };

    AfterRun keep_run(std::uint32_t run, AttemptOutcome outcome);
    void decide();

    const ReceivedJob job_;
    const Registry::Entry* const entry_;
    Surroundings& surroundings_;
    std::stop_source stop_;
    std::atomic<StopReason> reason_ = StopReason::none;
    std::atomic<bool> claimed_ = false;

    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<AttemptOutcome> runs_;  // empty: there is one only
    std::uint32_t runs_begun_;          // or waiting to
    std::uint32_t runs_ended_ = 0;
    std::uint32_t runs_completed_ = 0;
    Decision decision_ = Decision::open;
    std::vector<std::string> lines_;
    std::optional<std::string> progress_;
    std::vector<Step> new_steps_;
    std::optional<AttemptOutcome> outcome_;  // of claim_for()

    std::mutex flushing_;  // held during flush(), so that lines stay in order
};

}  // namespace tranter::worker
