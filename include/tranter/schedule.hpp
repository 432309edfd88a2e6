#pragma once

#include <tranter/job.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

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
    TimePoint updated_at{};                // of the definition
    std::optional<TimePoint> next_slot{};  // empty: it never runs again
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

}  // namespace tranter
