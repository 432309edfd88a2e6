#pragma once

#include <tranter/error.hpp>
#include <tranter/retry.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A job as data: how it is enqueued, how it is handed to a worker, and how it is shown.
namespace tranter {

/// UTC.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;
using Milliseconds = std::chrono::milliseconds;

enum class JobState : std::uint8_t {
    pending,    // may be handed out
    scheduled,  // enqueued for later, not due yet
    processing,
    completed,
    failed,  // the last attempt; waits for the next one
    dead,    // no more attempts
    cancelled,
};

/// How a key keeps the same job from standing in a queue twice.
/// simple: while a job with the key is not finished, another one is a duplicate of it.
/// throttle: for `ttl` from the first enqueue on, whatever became of that job.
/// debounce: a job with the key that still waits takes the new payload, and waits for the new
/// delay, but `ttl` after its first enqueue at the latest; a running one does not count.
/// keep_latest: one runs at most and one waits at most, which takes the new payload and does not
/// begin before the other has ended, failed or lost its lease.
enum class DedupMode : std::uint8_t { simple, throttle, debounce, keep_latest };

struct Dedup {
    std::string key{};  // 1 to 255 bytes
    DedupMode mode = DedupMode::simple;
    Milliseconds ttl{};  // throttle and debounce; debounce: 0 is without a limit

    bool operator==(const Dedup&) const = default;
};

inline constexpr std::size_t payload_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t result_bytes_max = std::size_t{256} << 10;
inline constexpr std::size_t progress_bytes_max = std::size_t{4} << 10;
inline constexpr std::size_t step_bytes_max = std::size_t{64} << 10;  // all steps of a job
inline constexpr std::size_t dedup_key_bytes_max = 255;
inline constexpr std::size_t group_bytes_max = 128;
inline constexpr std::size_t tags_max = 16;
inline constexpr std::size_t tag_bytes_max = 128;
inline constexpr std::size_t jobs_per_call_max = 10'000;
inline constexpr std::uint32_t runs_max = 1'000;
inline constexpr int priority_default = 5;

/// When the runs of an attempt are a success together: as text `all`, `any` (one is enough) or
/// `at_least(K)`.
///
/// The attempt is completed as soon as so many runs have completed; its result is an array in the
/// order of the runs, with null for those that did not. It has failed as soon as too few are left
/// that could. Then no further run begins, and those that run are asked to stop
/// (StopReason::decided), whatever they still return. A success is told to the store at once; a
/// failure once they have stopped, so that the next attempt does not run beside them.
struct SuccessPolicy {
    std::uint32_t runs_needed = 0;  // 0: all

    static constexpr SuccessPolicy all() { return {0}; }
    static constexpr SuccessPolicy any() { return {1}; }
    static constexpr SuccessPolicy at_least(std::uint32_t runs) { return {runs}; }

    /// Of `runs` runs, all of which when there are not so many.
    constexpr std::uint32_t needed_of(std::uint32_t runs) const {
        return runs_needed == 0 || runs_needed > runs ? runs : runs_needed;
    }

    std::string to_text() const;
    /// `invalid_argument` says what would be right.
    [[nodiscard]] static Result<SuccessPolicy> from_text(std::string_view text);

    bool operator==(const SuccessPolicy&) const = default;
};

/// What travels with a job. Everything has a value here; EnqueueOptions is what a caller fills in.
struct JobOptions {
    int priority = priority_default;  // 0 (first) to 9; a minute of waiting is worth one level
    std::string group{};              // a tenant or user; empty: none
    RetryPolicy retry{};
    Milliseconds timeout{};  // of an attempt; 0: none
    /// Finished as `cancelled` when it has not begun by then. The earlier of both counts.
    Milliseconds ttl{};  // after the enqueue; 0: none
    std::optional<TimePoint> deadline{};
    std::vector<std::string> tags{};  // "key=value" or a word
    std::optional<Dedup> dedup{};
    std::uint32_t runs = 1;               // parallel executions of one attempt
    std::uint32_t max_parallel_runs = 0;  // of them at a time; 0: all
    SuccessPolicy success{};              // of the runs; not more than there are
    /// The trace that it belongs to (W3C Trace Context); empty: none. docs/tracing.md.
    std::string traceparent{};
    std::string tracestate{};  // at most 512 bytes, and only with a traceparent

    bool operator==(const JobOptions&) const = default;
};

/// A job to enqueue, with nothing left open.
struct NewJob {
    std::string id{};  // a UUID; empty: one is made. An id that is known is a duplicate
    std::string type{};
    std::string payload = "null";  // JSON
    Milliseconds delay{};
    std::optional<TimePoint> run_at{};  // instead of `delay`
    JobOptions options{};
};

/// What is wrong with it, as a sentence that names the field, the value and what would be right;
/// empty when nothing is. Does not look into the payload.
std::string problem_of(const NewJob& job);

struct Enqueued {
    std::string id{};  // of the job that is there now
    /// De-duplicated: the same id again. The job was there already, and for debounce and
    /// keep_latest took the new payload.
    std::string duplicate_of{};
};

struct Step {
    std::string name{};
    std::string result{};  // JSON
};

/// One delivery of a job to a worker.
struct ReceivedJob {
    std::string id{};
    std::string queue{};
    std::string type{};
    std::string payload{};  // JSON
    std::string receipt{};  // names this delivery in every call about it
    std::uint32_t attempt = 1;
    TimePoint created_at{};
    TimePoint lease_until{};
    JobOptions options{};
    std::vector<Step> steps{};  // done in earlier attempts
    /// Since when this attempt could have begun, where the store knows it.
    std::optional<TimePoint> due_at{};
};

/// Why an attempt did not succeed.
struct AttemptFailure {
    std::uint32_t attempt = 0;
    TimePoint at{};
    std::string type{};  // of the exception; "lease_expired", "timeout", ... for ours
    std::string text{};

    bool operator==(const AttemptFailure&) const = default;
};

/// Everything that is known of a job.
struct JobRecord {
    std::string id{};
    std::string queue{};
    std::string type{};
    std::string payload{};  // JSON
    JobState state = JobState::pending;
    std::uint32_t attempt = 0;  // 0: none has begun
    JobOptions options{};
    TimePoint created_at{};
    std::optional<TimePoint> run_at{};       // scheduled, failed: when it is due
    std::optional<TimePoint> started_at{};   // of the last attempt
    std::optional<TimePoint> lease_until{};  // processing
    std::optional<TimePoint> finished_at{};
    bool cancel_requested = false;           // processing
    std::string result{};                    // JSON; empty: none
    std::vector<AttemptFailure> failures{};  // the last 10, oldest first
    std::string progress{};                  // JSON; empty: none
    std::string worker{};
    std::string reason{};  // of dead and cancelled
};

struct LogPage {
    std::vector<std::string> lines{};
    std::uint64_t dropped = 0;  // older lines that had to go
};

}  // namespace tranter
