#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>
#include <tranter/job_type.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What is said when a job is enqueued, and how a struct becomes a job that has a name and JSON.
namespace tranter {

/// Everything may be left out. What is, comes from the static `defaults` and `unique` of the job.
struct EnqueueOptions {
    std::string queue{};
    Milliseconds delay{};
    std::optional<TimePoint> run_at{};  // instead of `delay`
    std::optional<int> priority{};      // 0 (first) to 9
    std::string group{};                // a tenant or user
    /// Instead of `unique`. With an empty key it changes only how: the key is that of `unique`.
    std::optional<Dedup> dedup{};
    std::optional<std::uint32_t> max_attempts{};  // counts more than that of `retry`
    std::optional<RetryPolicy> retry{};
    std::optional<Milliseconds> timeout{};  // of an attempt; 0: none
    Milliseconds ttl{};                     // cancelled when it has not begun by then; 0: none
    std::optional<TimePoint> deadline{};    // the same as a moment; the earlier one counts
    std::vector<std::string> tags{};        // "key=value" or a word
    std::uint32_t runs = 1;                 // parallel executions of one attempt
    std::uint32_t max_parallel_runs = 0;    // of them at a time; 0: all
    SuccessPolicy success{};                // how many of them have to complete
    std::string id{};  // a UUID; empty: one is made. An id that is known is a duplicate
    /// The trace that it belongs to (W3C Trace Context); handlers see it. Empty: none, or one that
    /// a tracing layer begins.
    std::string traceparent{};
    std::string tracestate{};
};

/// A job without a C++ type.
struct JobRequest {
    std::string type{};
    std::string payload = "null";  // JSON
    EnqueueOptions options{};      // `queue` is "default" when it is left out
};

namespace detail {

void fill_in(EnqueueOptions& options, const JobDefaults& defaults);
/// `key` is that of `unique`, when there is one.
void fill_in_key(EnqueueOptions& options, std::optional<std::string> key);

}  // namespace detail

/// `invalid_argument` when a field cannot be written as JSON, with the path to it.
template <Job J>
[[nodiscard]] Result<JobRequest> make_request(const J& job, EnqueueOptions options = {}) {
    auto payload = to_json(job);
    if (!payload) return std::unexpected(std::move(payload.error()));
    auto key = unique_key(job);
    if (!key) return std::unexpected(std::move(key.error()));
    detail::fill_in(options, job_defaults<J>());
    detail::fill_in_key(options, std::move(*key));
    return JobRequest{
        .type = std::string(job_kind<J>()),
        .payload = std::move(*payload),
        .options = std::move(options)};
}

/// One call of enqueue on its way to the store, which makes the ids that are empty.
struct EnqueueCall {
    std::string queue{};
    std::vector<NewJob> jobs{};
};

/// What stands between a caller and the store, like the layers of an onion: it may look at and
/// change the call, must pass it on with `next` (or refuse it with an error), and sees the answer.
/// Called from any thread that enqueues, several at a time.
using EnqueueNext = std::function<Result<std::vector<Enqueued>>(EnqueueCall&)>;
using EnqueueMiddleware =
    std::function<Result<std::vector<Enqueued>>(EnqueueCall&, const EnqueueNext&)>;

}  // namespace tranter
