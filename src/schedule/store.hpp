#pragma once

#include "base/error.hpp"
#include "schedule/joint_work.hpp"
#include "schedule/store_meter.hpp"

#include <tranter/provider.hpp>
#include <tranter/schedule.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::schedule {

/// Which firing of a schedule: a slot is one of its times, in whole milliseconds, or the moment of
/// a run that was asked for by hand. Unique in a store.
struct RunKey {
    std::string schedule{};
    TimePoint slot{};
    bool manual = false;

    auto operator<=>(const RunKey&) const = default;
};

/// claimed: will be enqueued by whoever holds it until `claimed_until`, then by anybody else.
using RunState = SlotState;

/// A row of the run table. What is needed to enqueue the job stands in it until that is done, so
/// that neither an edit nor the removal of its schedule changes or loses a slot that was claimed.
struct SlotRun {
    RunKey key{};
    RunState state = RunState::claimed;
    std::string job_id{};  // job_id_of(key)
    TimePoint created_at{};
    std::optional<TimePoint> claimed_until{};  // claimed
    std::uint32_t tries = 0;                   // that failed
    std::string error{};                       // of the last of them, or why it is skipped
    std::optional<TimePoint> enqueued_at{};
    // Empty once it is enqueued, skipped or failed:
    std::string queue{};
    std::string type{};
    std::string payload{};
    JobOptions options{};

    bool operator==(const SlotRun&) const = default;
};

/// The id of the job of a slot: a UUID of version 8 from SHA-256 over schedule, slot and manual.
/// Always the same, so that a job that is enqueued twice is known to be one.
std::string job_id_of(const RunKey& key);

/// Where a schedule goes on.
struct NextSlot {
    std::optional<TimePoint> slot{};
    std::optional<TimePoint> due{};

    bool operator==(const NextSlot&) const = default;
};

/// A slot to record.
struct NewRun {
    TimePoint slot{};
    bool manual = false;
    RunState state = RunState::claimed;  // or buffered, or skipped
    std::string reason{};                // skipped
};

/// What one schedule does at once.
struct Firing {
    std::string schedule{};
    /// Schedule::version that it was decided on. Empty: whatever it is now.
    std::optional<std::uint64_t> version{};
    std::vector<NewRun> runs{};
    std::optional<NextSlot> next{};  // empty: stays
    std::uint64_t missed = 0;        // further slots that passed
    /// Slots whose run is skipped or failed are claimed once more; otherwise a slot that has a run
    /// is passed over.
    bool again = false;
    /// What is returned is not needed to enqueue anything: payloads may be large, and slots many.
    bool keys_only = false;
    /// A name of what is asked for, of a caller who may ask again because an answer got lost. When
    /// it was used within requests_known, nothing is changed. Empty: none.
    std::string request{};
};

/// For how long the names of requests are known.
inline constexpr std::chrono::hours requests_known(24);

/// One answer to each firing.
struct Fired {
    /// False: the schedule is not there or has another version, and nothing was changed.
    bool done = false;
    /// Those of Firing::runs that were recorded, in order, with everything that is needed to
    /// enqueue them unless Firing::keys_only.
    std::vector<SlotRun> runs{};
    /// Firing::request was used before, and this was its first run.
    std::optional<RunKey> repeated{};
};

/// What became of a run that was claimed.
struct RunOutcome {
    RunKey key{};
    RunState state = RunState::enqueued;  // claimed: try again at `retry_at`; failed
    std::string error{};                  // claimed without one: it was not tried, only held
    std::optional<TimePoint> retry_at{};
    std::string job_id{};  // enqueued: of the job that is there; another one's for a duplicate
    /// claimed: passed over when it is not held until then, but by somebody else by now.
    std::optional<TimePoint> held_until{};
};

struct JobOutcome {
    std::string id{};
    ScheduledState state = ScheduledState::enqueued;  // waiting: try again at `retry_at`; failed
    std::string error{};                              // waiting: as of RunOutcome
    std::optional<TimePoint> retry_at{};
    /// Passed over when it is not held until then, but by somebody else or nobody by now.
    std::optional<TimePoint> held_until{};
};

/// A run that is claimed until then, and its job.
struct HeldRun {
    RunKey key{};
    TimePoint held_until{};
    NewJob job{};
};

/// How many runs of a schedule are claimed and buffered.
struct OpenRuns {
    std::size_t claimed = 0;   // slots
    std::size_t buffered = 0;  // slots
    std::size_t manual = 0;    // asked for by hand

    bool operator==(const OpenRuns&) const = default;
};

/// What is known of an id among the jobs for later.
struct KnownJob {
    ScheduledState state = ScheduledState::waiting;
    bool held = false;  // waiting, and somebody enqueues it or did so last

    bool operator==(const KnownJob&) const = default;
};

/// Where a list of jobs for later goes on: behind this one, whatever has become of it.
struct JobPlace {
    TimePoint due{};
    std::string id{};

    bool operator==(const JobPlace&) const = default;
};

/// When there is next something to do. Empty: when something changes.
struct NextWork {
    std::optional<TimePoint> recurring{};  // schedule due, or claimed run free to be taken
    std::optional<TimePoint> timers{};
    bool buffered = false;  // runs wait for jobs to finish
};

/// How a store stands at a moment, for people and alarms.
struct StoreOverview {
    struct Due {
        std::string name{};
        TimePoint due{};

        bool operator==(const Due&) const = default;
    };

    std::uint64_t enabled = 0;   // schedules that are neither paused nor over
    std::uint64_t paused = 0;    // schedules
    std::uint64_t due = 0;       // of those enabled
    std::uint64_t claimed = 0;   // runs
    std::uint64_t buffered = 0;  // runs
    std::uint64_t jobs_waiting = 0;
    std::uint64_t jobs_due = 0;       // of those that wait
    std::vector<Due> soonest{};       // schedules that are enabled, by when they are due
    std::optional<Due> oldest_run{};  // its schedule, and when it was claimed first
    std::optional<Due> next_job{};    // that waits: its id, and when it is due

    bool operator==(const StoreOverview&) const = default;
};

/// Of leases.
inline constexpr std::string_view schedules_role = "schedule";
inline constexpr std::string_view timers_role = "timers";

struct Lease {
    bool mine = false;
    std::string owner{};
    TimePoint until{};
};

/// Schedules, the runs of their slots, and jobs for later. Shared by any number of processes; each
/// call is one transaction and durable when it returns. Thread-safe. It has no clock: `now` is
/// given, and may be set back: a hold or a lease that would end later than ten times its length, or
/// ten minutes, from `now` on is over.
///
/// How a slot becomes one job, whoever dies when:
///  1. due() finds the schedule; what to do is decided outside.
///  2. fire(), in one transaction: if the version is still that one, a row for each slot is
///     inserted in state `claimed` unless there is one (unique key), and the schedule moves on.
///  3. The job is enqueued under job_id_of().
///  4. settle_runs(): the row is `enqueued`.
/// With a store of jobs in the same database 3 and 4 are one transaction, see join().
/// Who dies before 2 has changed nothing. Who dies after it leaves a claimed row, which take_runs()
/// gives to somebody once `claimed_until` has passed; the job is then enqueued, maybe for the
/// second time, under the same id.
///
/// Errors of every call: `unavailable` when the database does not answer, is locked for too long or
/// (PostgreSQL) full, `limit_exceeded` when that of SQLite is full, `corrupted` when it is damaged
/// or from a newer version. Nothing throws.
class ScheduleStore {
  public:
    virtual ~ScheduleStore() = default;

    /// "sqlite", "postgres"
    virtual std::string_view name() const = 0;

    // Schedules

    /// Version 1 whatever they say. One answer for each: false when its name is there already,
    /// which changes nothing.
    [[nodiscard]] virtual Result<std::vector<bool>> insert_new(std::span<const Schedule> schedules
    ) = 0;
    /// Of one. `already_exists`.
    [[nodiscard]] Result<> insert(const Schedule& schedule);
    /// `not_found`
    [[nodiscard]] virtual Result<Schedule> find(std::string_view name) = 0;
    /// At most `max`, by name, after `after` (empty: from the first).
    [[nodiscard]] virtual Result<std::vector<Schedule>> list(
        std::string_view after, std::size_t max
    ) = 0;
    /// Writes definition, source, paused, pause_reason, updated_at, next_slot, next_due and
    /// last_error, and returns the new version. `conflict` when `schedule.version` is not that of
    /// the store, `not_found`.
    [[nodiscard]] virtual Result<std::uint64_t> update(const Schedule& schedule) = 0;
    /// Its runs stay, and those that are claimed will be enqueued; buffered ones are skipped.
    /// `not_found`
    [[nodiscard]] virtual Result<> remove(std::string_view name) = 0;

    // Running them

    /// At most `max` that are not paused and whose next_due is not after `now`, in that order.
    [[nodiscard]] virtual Result<std::vector<Schedule>> due(TimePoint now, std::size_t max) = 0;
    /// All of them in one transaction; one answer for each. New runs in state claimed are held by
    /// the caller until `claimed_until`. `runs` of the schedule grows by those claimed and
    /// buffered, `skipped` by those skipped, `missed` by that of the firing; its version grows.
    [[nodiscard]] virtual Result<std::vector<Fired>> fire(
        std::span<const Firing> firings, TimePoint now, TimePoint claimed_until
    ) = 0;
    /// At most `max` claimed runs that nobody holds at `now`, the oldest first; the caller holds
    /// them from now on until `claimed_until`.
    [[nodiscard]] virtual Result<std::vector<SlotRun>> take_runs(
        TimePoint now, TimePoint claimed_until, std::size_t max
    ) = 0;
    /// Runs that are not claimed any more are passed over. Sets last_slot (unless it is later
    /// already), last_job and last_error of the schedule, when that is still there.
    [[nodiscard]] virtual Result<> settle_runs(
        std::span<const RunOutcome> outcomes, TimePoint now
    ) = 0;
    /// The oldest buffered run of each schedule, by its name, at most `max` after `after` (empty:
    /// from the first).
    [[nodiscard]] virtual Result<std::vector<SlotRun>> buffered(
        std::string_view after, std::size_t max
    ) = 0;
    /// buffered to claimed, held until `claimed_until`, or to skipped with a reason when that is
    /// empty. False when it was not buffered.
    [[nodiscard]] virtual Result<bool> release(
        const RunKey& key, std::optional<TimePoint> claimed_until, std::string_view reason
    ) = 0;
    /// The newest slots first, at most `max`; with `open_only` those that are claimed or buffered.
    /// Without what is needed to enqueue them.
    [[nodiscard]] virtual Result<std::vector<SlotRun>> runs_of(
        std::string_view schedule, std::size_t max, bool open_only
    ) = 0;
    [[nodiscard]] virtual Result<OpenRuns> open_runs(std::string_view schedule) = 0;

    // Jobs for later

    /// All or none. `already_exists` names an id that is known.
    [[nodiscard]] virtual Result<> add_jobs(std::span<const ScheduledJob> jobs) = 0;
    /// `not_found`
    [[nodiscard]] virtual Result<ScheduledJob> find_job(std::string_view id) = 0;
    /// One answer for each id; empty when it is not known.
    [[nodiscard]] virtual Result<std::vector<std::optional<KnownJob>>> known_jobs(
        std::span<const std::string> ids
    ) = 0;
    /// At most `max` that wait, by due time and id, after that place (empty: from the first).
    [[nodiscard]] virtual Result<std::vector<ScheduledJob>> list_jobs(
        const std::optional<JobPlace>& after, std::size_t max
    ) = 0;
    /// `not_found`; `conflict` when it does not wait any more, or somebody holds it at `now`.
    [[nodiscard]] virtual Result<> cancel_job(std::string_view id, TimePoint now) = 0;
    /// Due then instead; what it was tried before and went wrong counts no more. Errors as of
    /// cancel_job().
    [[nodiscard]] virtual Result<> reschedule_job(
        std::string_view id, TimePoint due, TimePoint now
    ) = 0;
    /// At most `max` that wait, are due at `now` and held by nobody; the caller holds them until
    /// `claimed_until`.
    [[nodiscard]] virtual Result<std::vector<ScheduledJob>> take_jobs(
        TimePoint now, TimePoint claimed_until, std::size_t max
    ) = 0;
    /// Those that do not wait any more are passed over.
    [[nodiscard]] virtual Result<> settle_jobs(
        std::span<const JobOutcome> outcomes, TimePoint now
    ) = 0;

    /// Null unless it is certain that the jobs of `provider` stand in the database of this store,
    /// which both are asked for; `unavailable` when one does not answer. Of one thread, and for no
    /// longer than both live.
    [[nodiscard]] virtual Result<std::unique_ptr<JointWork>> join(Provider& provider);

    // Everything

    [[nodiscard]] virtual Result<NextWork> next_work() = 0;
    /// Counts, and the names of at most `soonest_max` schedules. Reads an index entry for each
    /// schedule and each job that waits: not for every turn of a loop.
    [[nodiscard]] virtual Result<StoreOverview> overview(
        TimePoint now, std::size_t soonest_max
    ) = 0;
    /// Gives or renews the lease `role` to `owner` unless another holds it at `now`. `corrupted`
    /// once a newer program has changed the tables, which update() refuses too: what this one does
    /// not know it would not do, and erase.
    [[nodiscard]] virtual Result<Lease> take_lease(
        std::string_view role, std::string_view owner, TimePoint now, TimePoint until
    ) = 0;
    /// Who holds it; `mine` is false. Nothing when nobody has since it was released.
    [[nodiscard]] virtual Result<std::optional<Lease>> find_lease(std::string_view role) = 0;
    /// Of somebody else's does nothing.
    [[nodiscard]] virtual Result<> release_lease(std::string_view role, std::string_view owner) = 0;
    /// Deletes at most `max` runs and jobs that have ended before `before`. Returns how many.
    [[nodiscard]] virtual Result<std::size_t> trim(TimePoint before, std::size_t max) = 0;

    /// Becomes readable after somebody has added work: a schedule or a job, a change of one, a run
    /// that nobody holds, or a lease that is free. Spurious wake-ups are fine. -1: the store cannot
    /// tell. The same for the life of the store, but for a store that reconnects: ask again after
    /// each use.
    virtual int wake_fd() = 0;
    /// Takes what made wake_fd() readable. Call before looking for work, never after.
    virtual void drain_wake() = 0;

    /// Of all its calls, by whomever.
    const StoreMeter& meter() const { return meter_; }

  protected:
    StoreMeter meter_{};
};

/// See Scheduler. `invalid_argument` for a URL that is none, `unavailable` when it cannot be
/// opened. Brings its tables to the version of this program.
[[nodiscard]] Result<std::shared_ptr<ScheduleStore>> open_store(std::string_view url);

/// Which program has made the tables of a store, without making, changing or opening any.
enum class StoreAge : std::uint8_t { none, older, current, newer };
/// The same errors. `none` is a database without such tables, or a file that is not there.
[[nodiscard]] Result<StoreAge> age_of_store(std::string_view url);

}  // namespace tranter::schedule
