#pragma once

#include <tranter/job.hpp>
#include <tranter/json.hpp>
#include <tranter/provider.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The bodies of the Jobs API as structs: what is read is read into these, what is written must be
/// readable by these (tests see to it), and the OpenAPI document is made from them. Members of
/// JSON objects have the names of the fields.
namespace tranter::jobs::wire {

struct NewJob {
    std::string id{};
    std::string type{};
    Json payload{};
    std::optional<Milliseconds> delay{};
    std::optional<TimePoint> run_at{};
    int priority = priority_default;
    std::string group{};
    std::vector<std::string> tags{};
    Milliseconds ttl{};
    std::optional<TimePoint> deadline{};
    std::optional<Milliseconds> timeout{};
    RetryPolicy retry{};
    std::optional<Dedup> dedup{};
    std::uint32_t runs = 1;
    std::uint32_t max_parallel_runs = 0;
    SuccessPolicy success{};
    std::string traceparent{};
    std::string tracestate{};
};

/// The same with its queue, and with one of delay and run_at.
struct JobForLater {
    std::string queue = "default";
    std::string id{};
    std::string type{};
    Json payload{};
    std::optional<Milliseconds> delay{};
    std::optional<TimePoint> run_at{};
    int priority = priority_default;
    std::string group{};
    std::vector<std::string> tags{};
    Milliseconds ttl{};
    std::optional<TimePoint> deadline{};
    std::optional<Milliseconds> timeout{};
    RetryPolicy retry{};
    std::optional<Dedup> dedup{};
    std::uint32_t runs = 1;
    std::uint32_t max_parallel_runs = 0;
    SuccessPolicy success{};
    std::string traceparent{};
    std::string tracestate{};
};

struct Enqueued {
    std::string id{};
    std::optional<std::string> duplicate_of{};
};

struct ReceiveRequest {
    std::uint32_t jobs_max = 1;
    Milliseconds lease = std::chrono::seconds(30);
    Milliseconds wait{};
    std::string worker{};
    std::uint32_t worker_concurrency = 0;
    std::string worker_version{};
};

struct Step {
    std::string name{};
    Json result{};
};

struct ReceivedJob {
    std::string id{};
    std::string queue{};
    std::string type{};
    Json payload{};
    std::string receipt{};
    std::uint32_t attempt = 1;
    TimePoint created_at{};
    TimePoint lease_until{};
    std::optional<TimePoint> due_at{};
    std::optional<std::vector<Step>> steps{};
    std::optional<std::string> group{};
    // Left out when they are the defaults:
    std::optional<int> priority{};
    std::optional<RetryPolicy> retry{};
    std::optional<Milliseconds> timeout{};
    std::optional<Milliseconds> ttl{};
    std::optional<TimePoint> deadline{};
    std::optional<std::vector<std::string>> tags{};
    std::optional<Dedup> dedup{};
    std::optional<std::uint32_t> runs{};
    std::optional<std::uint32_t> max_parallel_runs{};
    std::optional<SuccessPolicy> success{};
    std::optional<std::string> traceparent{};
    std::optional<std::string> tracestate{};
};

struct ReceivedJobs {
    std::vector<ReceivedJob> jobs{};
};

enum class Outcome : std::uint8_t { completed, failed, released, snoozed, dead, stopped };

struct AttemptError {
    std::string type{};
    std::string text{};
};

struct Settlement {
    std::string receipt{};
    std::optional<Outcome> outcome{};           // has to be there
    Json result{};                              // completed
    std::optional<AttemptError> error{};        // failed, dead
    std::optional<Milliseconds> retry_after{};  // failed
    std::optional<Milliseconds> after{};        // snoozed
    std::optional<std::string> reason{};        // dead
};

struct Settlements {
    std::vector<Settlement> settlements{};
};

// One settlement, with its outcome in the path of the request.
struct Completion {
    std::string receipt{};
    Json result{};
};
struct Failure {
    std::string receipt{};
    std::optional<AttemptError> error{};
    std::optional<Milliseconds> retry_after{};
};
struct Receipt {
    std::string receipt{};
};
struct Snooze {
    std::string receipt{};
    Milliseconds after{};
};
struct Death {
    std::string receipt{};
    std::optional<AttemptError> error{};
    std::optional<std::string> reason{};
};

/// RFC 9457, and the name of the Errc.
struct Problem {
    std::string type = "about:blank";
    std::string title{};
    int status = 0;
    std::string detail{};
    std::string code{};
};

/// Either of both.
struct Settled {
    std::optional<bool> ok{};
    std::optional<Problem> error{};
};
struct SettleResults {
    std::vector<Settled> results{};
};

/// `receipt` or `receipts`.
struct Extend {
    std::optional<std::string> receipt{};
    std::optional<std::vector<std::string>> receipts{};
    Milliseconds lease = std::chrono::seconds(30);
};
/// The first two, or `error`.
struct Extended {
    std::optional<TimePoint> lease_until{};
    std::optional<bool> cancel_requested{};
    std::optional<Problem> error{};
};
struct ExtendResults {
    std::vector<Extended> results{};
};

struct Progress {
    std::string receipt{};
    Json progress{};
};
struct LogLines {
    std::string receipt{};
    std::vector<std::string> lines{};
};
struct SaveStep {
    std::string receipt{};
    std::string name{};
    Json result{};
};

struct JobRecord {
    std::string id{};
    std::string queue{};
    std::string type{};
    Json payload{};
    JobState state = JobState::pending;
    std::uint32_t attempt = 0;
    TimePoint created_at{};
    int priority = priority_default;
    RetryPolicy retry{};
    std::vector<std::string> tags{};
    std::uint32_t runs = 1;
    std::vector<AttemptFailure> failures{};
    bool cancel_requested = false;
    std::optional<std::string> group{};
    std::optional<Milliseconds> timeout{};
    std::optional<Milliseconds> ttl{};
    std::optional<TimePoint> deadline{};
    std::optional<Dedup> dedup{};
    std::optional<std::uint32_t> max_parallel_runs{};
    std::optional<SuccessPolicy> success{};
    std::optional<std::string> traceparent{};
    std::optional<std::string> tracestate{};
    std::optional<TimePoint> run_at{};
    std::optional<TimePoint> started_at{};
    std::optional<TimePoint> lease_until{};
    std::optional<TimePoint> finished_at{};
    Json result{};
    Json progress{};
    std::optional<std::string> worker{};
    std::optional<std::string> reason{};
};

struct JobPage {
    std::vector<JobRecord> jobs{};
    std::optional<std::string> next{};
};

struct CancelAnswer {
    Cancelled cancelled = Cancelled::removed;
};

struct Queues {
    std::vector<QueueStats> queues{};
};

struct Workers {
    std::vector<WorkerInfo> workers{};
};

struct ServerInfo {
    std::string name{};
    std::string version{};
    Capabilities capabilities{};
};

}  // namespace tranter::jobs::wire
