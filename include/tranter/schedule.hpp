#pragma once

#include <tranter/job.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Schedules and jobs for later, as data: see scheduler.hpp.
namespace tranter {

/// What becomes of a time of day that a clock on the wall jumps over.
enum class DstGap : std::uint8_t {
    run_after,  // once, at the first moment after the jump; several coalesce
    skip,
    shift,  // as much later as the clock jumps: 02:30 becomes 03:30
};
/// What becomes of a time of day that a clock on the wall shows twice.
enum class DstOverlap : std::uint8_t { first, last, both };

/// What becomes of slots that passed while no scheduler ran.
enum class Misfire : std::uint8_t {
    run_once,  // the latest of them, unless one that is on time follows
    run_all,   // oldest first, the newest `cap` of them
    skip,
};

struct MisfirePolicy {
    Misfire policy = Misfire::run_once;
    /// Older slots are not run, whatever the policy. At least 10 s.
    Milliseconds window = std::chrono::hours(1);
    std::uint32_t cap = 100;  // of run_all

    bool operator==(const MisfirePolicy&) const = default;
};

/// A slot that is not later than this is no misfire, and runs whatever the policy.
inline constexpr Milliseconds misfire_threshold = std::chrono::minutes(1);

/// What becomes of a slot while the job of an earlier one is not finished. All but `allow` need a
/// store of jobs that can look them up.
enum class Overlap : std::uint8_t {
    allow,
    skip,
    buffer_one,    // one waits until that job is finished, further ones are skipped
    buffer_all,    // all wait, and run one after the other
    cancel_other,  // that job is cancelled, and this one runs once it has ended
};

/// From when the periods of an interval count. The values are stored.
enum class IntervalAnchor : std::uint8_t {
    epoch,         // from 1970, or from its `starting` time
    registration,  // from when the schedule was made, which is no slot itself
    /// From the end of the job of the slot before, however it ended; the first from when the
    /// schedule was made. Needs a store of jobs that can look them up, and `overlap` of `allow`.
    after_completion,
};

/// How the slots of a schedule become jobs.
struct ScheduleRules {
    MisfirePolicy misfire{};
    Overlap overlap = Overlap::allow;
    /// Each job is enqueued up to so much after its slot, always as much for the same slot, and
    /// never after the next one.
    Milliseconds jitter{};
    std::optional<TimePoint> start_at{};  // no slot before it
    std::optional<TimePoint> end_at{};    // no slot after it
    std::uint64_t max_runs = 0;           // 0: no limit
    DstGap dst_gap = DstGap::run_after;
    DstOverlap dst_overlap = DstOverlap::first;
    IntervalAnchor anchor = IntervalAnchor::epoch;  // of intervals only

    bool operator==(const ScheduleRules&) const = default;
};

inline constexpr std::size_t schedule_name_bytes_max = 100;

/// What makes jobs, and which.
struct ScheduleDefinition {
    std::string name{};        // 1 to 100 letters, digits and _ - . : /
    std::string expression{};  // "0 9 * * 1-5", "every 30 minutes", "@daily": docs/schedules.md
    std::string timezone{};    // such as "America/New_York"; empty: UTC
    std::string queue = "default";
    std::string type{};
    std::string payload = "null";  // JSON
    JobOptions options{};
    ScheduleRules rules{};

    bool operator==(const ScheduleDefinition&) const = default;
};

/// Who said last what a schedule is. The values are stored.
enum class ScheduleSource : std::uint8_t { hand, code, file };

/// A schedule as it stands in the store.
struct Schedule {
    ScheduleDefinition definition{};
    ScheduleSource source = ScheduleSource::hand;
    bool paused = false;
    std::string pause_reason{};
    TimePoint created_at{};
    TimePoint updated_at{};  // of the definition
    /// Empty: it never runs again. With IntervalAnchor::after_completion the earliest that is
    /// possible, while the job of the slot before is not finished.
    std::optional<TimePoint> next_slot{};
    std::optional<TimePoint> next_due{};   // the same with its jitter
    std::optional<TimePoint> last_slot{};  // of the last job that was enqueued
    std::string last_job{};                // its id
    std::string last_error{};              // of the last try to enqueue; empty: it succeeded
    std::uint64_t runs = 0;                // slots that became jobs or will
    std::uint64_t missed = 0;              // slots that the misfire policy left out
    std::uint64_t skipped = 0;             // by the overlap policy or by hand
    std::uint64_t version = 0;             // grows with every change

    bool operator==(const Schedule&) const = default;
};

/// The values are stored.
enum class ScheduledState : std::uint8_t { waiting, enqueued, cancelled, failed };

/// A job that is to be enqueued once, later.
struct ScheduledJob {
    std::string id{};  // also that of the job
    std::string queue{};
    std::string type{};
    std::string payload{};  // JSON
    JobOptions options{};
    TimePoint due{};
    ScheduledState state = ScheduledState::waiting;
    std::uint32_t tries = 0;  // that failed
    std::string error{};      // of the last of them
    TimePoint created_at{};

    bool operator==(const ScheduledJob&) const = default;
};

/// What became of a slot. The values are stored.
///
///     (none) -> claimed -> enqueued
///        |        ^   \--> failed
///        |        |
///        |-> buffered -> skipped
///        |-> skipped
enum class SlotState : std::uint8_t {
    claimed = 0,   // is about to be enqueued, or will be tried again
    buffered = 1,  // waits until an earlier job of the schedule is finished
    enqueued = 2,
    skipped = 3,  // the error says why
    failed = 4,   // no store takes the job; the error says why
};

/// A slot of a schedule that has become a job or will, or was skipped.
struct ScheduleRun {
    TimePoint slot{};
    bool manual = false;  // was asked for by hand, at the time of `slot`
    SlotState state = SlotState::claimed;
    std::string job{};  // its id
    std::optional<TimePoint> enqueued_at{};
    std::uint32_t tries = 0;  // that failed
    std::string error{};      // of the last of them, or why it is skipped

    bool operator==(const ScheduleRun&) const = default;
};

/// Both ends belong to it.
struct Period {
    TimePoint from{};
    TimePoint to{};
};

/// Slots of the past.
struct Backfill {
    std::vector<TimePoint> slots{};  // all in the period
    std::size_t claimed = 0;         // of them will run; the others have already
};

/// One of the next times of a schedule.
struct ScheduleFiring {
    TimePoint slot{};
    TimePoint due{};      // with its jitter
    std::string local{};  // what clocks in its zone show, as "2026-03-08T03:00:00-04:00"
};

/// When a schedule fires, and what keeps it from doing so.
struct ScheduleExplanation {
    Schedule schedule{};
    std::string words{};  // "every weekday at 09:00, New York time"; empty when it cannot be read
    std::string timezone{};
    std::string time_zone_data{};  // version, as "2026a"
    std::vector<ScheduleFiring> next{};
    /// What looks like a mistake in its expression, one sentence each.
    std::vector<std::string> warnings{};
    /// Why it does not fire, or not at once: it is paused, it has ended, the job of an earlier slot
    /// is not finished, its jobs cannot be enqueued, nobody works on the store, ... One sentence
    /// each; empty when nothing is in the way.
    std::vector<std::string> obstacles{};
    std::uint64_t open_runs = 0;  // slots that are claimed or buffered
    /// Of the last job, when it was asked for and is known.
    std::optional<JobState> last_job_state{};
};

}  // namespace tranter
