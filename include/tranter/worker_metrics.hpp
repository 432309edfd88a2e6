#pragma once

#include <tranter/connection_metrics.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

/// What a worker measures of its jobs and of itself: everything that /metrics of `tranter work`
/// shows, for programs that have a worker inside.
namespace tranter {

/// How many values lay between two bounds.
template <std::size_t bounds>
struct Buckets {
    using Bounds = std::array<double, bounds>;  // ascending

    /// The first counts values up to the first bound, the last those above the last one.
    std::array<std::uint64_t, bounds + 1> counts{};
    double sum = 0;

    /// A value that is a bound belongs below it.
    static std::size_t bucket_of(const Bounds& limits, double value) {
        const auto bound = std::lower_bound(limits.begin(), limits.end(), value);
        return static_cast<std::size_t>(bound - limits.begin());
    }
    /// Negative ones, which come of two clocks, count as 0.
    void add(const Bounds& limits, double value) {
        value = std::max(value, 0.0);
        ++counts[bucket_of(limits, value)];
        sum += value;
    }
    std::uint64_t total() const {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    }
};

/// Seconds. Queues wait longer than requests, so they reach to an hour.
inline constexpr std::array<double, 18> duration_bounds{
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
inline constexpr std::array<double, 8> attempt_bounds{1, 2, 3, 5, 10, 15, 25, 50};
using DurationBuckets = Buckets<duration_bounds.size()>;
using AttemptBuckets = Buckets<attempt_bounds.size()>;

/// Why an attempt did not succeed.
enum class FailureReason : std::uint8_t {
    error,       // the handler said so
    timeout,     // it took longer than it may
    crash,       // its process died
    lost_lease,  // the store had given the job to somebody else, or will
};
inline constexpr std::size_t failure_reasons = 4;

/// Of the jobs of one type in one queue, since the worker was made.
struct JobTypeMetrics {
    std::string queue{};
    /// "other" for all types beyond the first 200: types may come from outside.
    std::string type{};
    std::size_t running = 0;
    std::uint64_t completed = 0;
    std::array<std::uint64_t, failure_reasons> failed{};  // attempts, by FailureReason
    std::uint64_t retried = 0;                            // failed attempts with another to follow
    std::uint64_t dead = 0;                               // jobs without another attempt
    std::uint64_t snoozed = 0;
    std::uint64_t released = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t stalled = 0;         // leases that ended while the handler ran
    DurationBuckets queue_latency{};   // from when it was due until its handler began
    DurationBuckets run_duration{};    // of attempts
    DurationBuckets total_duration{};  // from the enqueue to the end, of completed and dead jobs
    AttemptBuckets attempts{};         // that completed and dead jobs took
};

struct WorkerMetrics {
    std::vector<JobTypeMetrics> jobs{};  // by queue and type
    std::uint64_t lease_extensions = 0;
    DurationBuckets poll_duration{};  // of calls for jobs, with the wait for them
    /// When the store last answered anything.
    std::optional<std::chrono::sys_time<std::chrono::microseconds>> last_answer{};
    /// Of its provider, while that counts any.
    std::optional<ConnectionMetrics> connections{};
};

}  // namespace tranter
