#pragma once

#include <tranter/client.hpp>
#include <tranter/enqueue.hpp>
#include <tranter/error.hpp>
#include <tranter/job.hpp>
#include <tranter/schedule.hpp>
#include <tranter/scheduler_metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Jobs for later, and jobs again and again:
///
///     tranter::Scheduler scheduler{client, "file:/var/lib/mail"};
///     scheduler.every("cache-cleanup", "every 1 hour", CacheCleanup{});
///     scheduler.every("report", "0 9 * * 1-5", Report{}, {.timezone = "America/New_York"});
///     scheduler.schedule(SendWelcome{.user_id = 42}, tomorrow);
///     scheduler.start();
namespace tranter {

/// What may be left out of a schedule that code makes.
struct ScheduleOptions {
    std::string timezone{};  // empty: UTC
    ScheduleRules rules{};
    /// Queue, priority, group, retries and the like of each job; without id, delay and run_at.
    EnqueueOptions job{};
};

struct SchedulerOptions {
    bool recurring = true;  // enqueue the jobs of schedules
    bool timers = true;     // enqueue jobs that were scheduled for later
    std::string name{};     // of this scheduler, for people; empty: host name and process id
    /// How long it sleeps at most. Only a net: it is woken when something is due, when the clock is
    /// set and when the store changes.
    Milliseconds poll_interval = std::chrono::minutes(1);
    /// For how long one scheduler does the work of all; another takes over when it is not renewed.
    /// It saves work and nothing else: each slot becomes one job however many schedulers act.
    Milliseconds lease = std::chrono::seconds(10);
    Milliseconds period_min = std::chrono::seconds(1);  // shortest interval of a schedule
    Milliseconds keep_runs = std::chrono::hours(24 * 30);
};

/// What a scheduler has done since it was made.
struct SchedulerFigures {
    std::uint64_t enqueued = 0;
    std::uint64_t errors = 0;  // tries to enqueue that failed
    std::uint64_t missed = 0;
    std::uint64_t skipped = 0;
    Milliseconds lateness{};    // of the last job: after its time, jitter included
    bool leads = false;         // holds the lease
    std::string store_error{};  // why the store did not answer; empty: it did

    bool operator==(const SchedulerFigures&) const = default;
};

/// Enqueues jobs when they are due. What is due stands in a store of schedules, which survives
/// restarts; the jobs go to the client's provider, whatever that is.
///
/// Every slot of a schedule becomes one job, however many schedulers run on the store and whenever
/// they die: the store keeps a row for each slot, and the id of its job is made from its schedule
/// and slot, so that a job that is enqueued again after a crash is known to be the same. Where the
/// provider does not know ids (SQS), it may come twice, with that id. Nothing is enqueued early.
///
/// Every call may be made from any thread. Errors: `unavailable` when the store of schedules does
/// not answer, `invalid_argument` for what is wrong in itself, with what would be right.
class Scheduler {
  public:
    /// `store` is `memory:`, `file:DIR` (DIR/schedules.db), `file:PATH.db` or `postgres://...`.
    /// Throws Exception: `invalid_argument`, or `unavailable` when it cannot be opened.
    Scheduler(const Client& client, std::string_view store, SchedulerOptions options = {});
    /// As stop().
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Enqueues the job at that time, or at once when it has passed. Returns its id.
    /// `already_exists` for an id that is known. Of the options, delay and run_at must be empty.
    template <Job J>
    [[nodiscard]] Result<std::string> schedule(
        const J& job, TimePoint at, const EnqueueOptions& options = {}
    ) {
        auto request = make_request(job, options);
        if (!request) return std::unexpected(std::move(request.error()));
        return schedule(std::move(*request), at);
    }
    [[nodiscard]] Result<std::string> schedule(JobRequest request, TimePoint at);

    /// Makes the schedule, or makes it what the call says when it is there: code wins over what was
    /// changed by hand, and the log says so. Whether it is paused, and what it has run, stays.
    /// `invalid_argument` for an expression that cannot be read or never fires, an unknown zone and
    /// a job that no store would take.
    template <Job J>
    [[nodiscard]] Result<Schedule> every(
        std::string_view name,
        std::string_view expression,
        const J& job,
        const ScheduleOptions& options = {}
    ) {
        auto request = make_request(job, options.job);
        if (!request) return std::unexpected(std::move(request.error()));
        return every(name, expression, std::move(*request), options);
    }
    /// `options.job` is not looked at: its options are those of the request.
    [[nodiscard]] Result<Schedule> every(
        std::string_view name,
        std::string_view expression,
        JobRequest request,
        const ScheduleOptions& options = {}
    );

    /// A schedule by its name, or a job that waits by its id. What is enqueued already stays.
    /// `not_found`; `conflict` for a job that is on its way or enqueued.
    [[nodiscard]] Result<> cancel(std::string_view name_or_id);
    /// By name.
    [[nodiscard]] Result<std::vector<Schedule>> list();
    [[nodiscard]] Result<Schedule> find(std::string_view name);
    /// The next times at which it fires, jitter not counted; fewer when it ends, and with
    /// IntervalAnchor::after_completion one, since the others are not known.
    [[nodiscard]] Result<std::vector<TimePoint>> preview(std::string_view name, std::size_t count);
    /// When it fires and why it does not, with `count` of its next times.
    [[nodiscard]] Result<ScheduleExplanation> explain(std::string_view name, std::size_t count = 5);
    /// What it has run and is about to run, the newest slots first; at most `max`.
    [[nodiscard]] Result<std::vector<ScheduleRun>> runs(
        std::string_view name, std::size_t max = 100
    );
    /// Changes its definition, as by hand: every() makes it again what that says.
    /// `invalid_argument` as every(); an error of `change` is returned and nothing changes.
    [[nodiscard]] Result<Schedule> edit(
        std::string_view name, const std::function<Result<>(ScheduleDefinition&)>& change
    );

    /// Slots that pass meanwhile are left out. `resume` goes on with the next one.
    [[nodiscard]] Result<> pause(std::string_view name, std::string_view reason = {});
    [[nodiscard]] Result<> resume(std::string_view name);
    /// Beside its slots. Returns the id of the job, which is enqueued by whoever runs.
    [[nodiscard]] Result<std::string> run_now(std::string_view name);
    /// Leaves out the next slot, which is returned. `conflict` when there is none.
    [[nodiscard]] Result<TimePoint> skip_next(std::string_view name);
    /// Runs the slots of the past that have not run, also those that were missed or skipped; with
    /// `dry_run` only says which there are. `invalid_argument` for a period that reaches into the
    /// future, and with IntervalAnchor::after_completion, which has no slots in the past;
    /// `limit_exceeded` for more than 10,000 slots. All of them run at once: with another
    /// ScheduleRules::overlap than `allow` that is a `conflict`, unless `overlap` says so for once.
    [[nodiscard]] Result<Backfill> backfill(
        std::string_view name,
        const Period& period,
        bool dry_run = false,
        std::optional<Overlap> overlap = {}
    );

    /// Jobs that wait for their time, by time and id, at most `max` after the one with the id
    /// `after` (empty: from the first).
    [[nodiscard]] Result<std::vector<ScheduledJob>> jobs(
        std::string_view after = {}, std::size_t max = 1000
    );
    /// Also one that does not wait any more, for SchedulerOptions::keep_runs.
    [[nodiscard]] Result<ScheduledJob> find_job(std::string_view id);
    /// Another time for a job that waits. `not_found`; `conflict` when it is on its way or
    /// enqueued.
    [[nodiscard]] Result<> reschedule(std::string_view id, TimePoint at);

    /// Works on the calling thread until `stop` is requested. Throws Exception (`conflict`) when it
    /// works already; so does start().
    void run(std::stop_token stop);
    /// run() in the background.
    void start();
    /// Ends what start() began and waits for it. Idempotent.
    void stop();

    SchedulerFigures figures() const;
    /// What /metrics and /health of `tranter schedule` show. Neither waits for the store.
    SchedulerMetrics metrics() const;
    SchedulerHealth health() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter
