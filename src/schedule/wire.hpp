#pragma once

#include "schedule/store.hpp"

#include <tranter/job.hpp>
#include <tranter/json.hpp>
#include <tranter/reflect.hpp>
#include <tranter/schedule.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The bodies of the routes of schedules of the Jobs API as structs, as jobs/wire.hpp has the
/// others: what is read is read into these, what is written can be read by these, and the OpenAPI
/// document is made from them.
namespace tranter::schedule::wire {

/// Options of each job; JobOptions but for the group, which stands beside them, and the deadline,
/// which has no meaning for jobs that come again and again.
struct JobSettings {
    int priority = priority_default;
    RetryPolicy retry{};
    Milliseconds timeout{};
    Milliseconds ttl{};
    std::vector<std::string> tags{};
    std::optional<Dedup> dedup{};
    std::uint32_t runs = 1;
    std::uint32_t max_parallel_runs = 0;
    SuccessPolicy success{};
};

struct ScheduleDefinition {
    std::optional<std::string> name{};
    std::string expression{};
    std::string timezone{};
    std::string queue = "default";
    std::string type{};
    Json payload{};
    std::string group{};
    JobSettings options{};
    ScheduleRules rules{};
};

/// What a change may say: anything of a definition.
struct SchedulePatch {
    std::optional<std::string> name{};
    std::optional<std::string> expression{};
    std::optional<std::string> timezone{};
    std::optional<std::string> queue{};
    std::optional<std::string> type{};
    Json payload{};
    std::optional<std::string> group{};
    std::optional<JobSettings> options{};
    std::optional<ScheduleRules> rules{};
};
static_assert(
    field_names<SchedulePatch> == field_names<ScheduleDefinition>,
    "a patch is read as a definition, and described by this"
);

enum class ScheduleState : std::uint8_t { active, paused, ended };

/// A slot that became a job or will, or was skipped.
struct ScheduleRun {
    TimePoint slot{};
    RunState state = RunState::claimed;
    bool manual = false;
    std::string job{};
    std::optional<TimePoint> enqueued_at{};
    std::uint32_t tries = 0;
    std::optional<std::string> error{};
};

struct Schedule {
    std::string name{};
    std::string expression{};
    std::string timezone{};
    ScheduleState state = ScheduleState::active;
    std::optional<TimePoint> next_run_at{};
    std::optional<TimePoint> last_run_at{};
    std::string queue{};
    std::string type{};
    Json payload{};
    std::optional<std::string> group{};
    JobSettings options{};
    ScheduleRules rules{};
    ScheduleSource source = ScheduleSource::hand;
    std::optional<std::string> pause_reason{};
    std::optional<TimePoint> due_at{};
    std::optional<std::string> last_job{};
    std::optional<std::string> last_error{};
    std::uint64_t runs = 0;
    std::uint64_t missed = 0;
    std::uint64_t skipped = 0;
    TimePoint created_at{};
    TimePoint updated_at{};
    // Of one schedule, not in lists:
    std::optional<std::string> words{};
    std::optional<std::vector<std::string>> next{};
    std::optional<std::vector<std::string>> warnings{};
    std::optional<std::vector<std::string>> obstacles{};
    std::optional<std::vector<ScheduleRun>> last_runs{};
    // Where it is explained:
    std::optional<std::string> time_zone_data{};
    std::optional<std::uint64_t> open_runs{};
    std::optional<JobState> last_job_state{};
};

struct SchedulePage {
    std::vector<Schedule> schedules{};
    std::optional<std::string> next{};
};
struct ScheduleRuns {
    std::vector<ScheduleRun> runs{};
};

struct Pause {
    std::string reason{};
};
struct RunAnswer {
    std::string job{};
    std::string schedule{};
};
struct SkipAnswer {
    TimePoint skipped{};
    std::string schedule{};
};
struct BackfillRequest {
    std::optional<TimePoint> from{};
    std::optional<TimePoint> to{};
    bool dry_run = false;
    std::optional<Overlap> overlap{};
};
struct BackfillAnswer {
    std::vector<TimePoint> slots{};
    std::uint64_t claimed = 0;
    bool dry_run = false;
};

/// An expression that is stored nowhere.
struct PreviewRequest {
    std::string expression{};
    std::string timezone{};
    std::optional<TimePoint> from{};
    std::uint32_t count = 20;
    DstGap dst_gap = DstGap::run_after;
    DstOverlap dst_overlap = DstOverlap::first;
};
struct ExplainRequest {
    std::string expression{};
    std::string timezone{};
    DstGap dst_gap = DstGap::run_after;
    DstOverlap dst_overlap = DstOverlap::first;
};
struct Firing {
    TimePoint at{};
    std::string local{};
    std::optional<TimePoint> due{};  // of a schedule
};
struct Preview {
    std::vector<Firing> firings{};
};
struct Explanation {
    std::string words{};
    std::string expression{};
    std::string timezone{};
    std::string time_zone_data{};
    std::vector<std::string> next{};
    std::vector<std::string> warnings{};
};

/// A job that is enqueued once, later.
struct ScheduledJob {
    std::string id{};
    std::string queue{};
    std::string type{};
    Json payload{};
    ScheduledState state = ScheduledState::waiting;
    TimePoint run_at{};
    std::uint32_t tries = 0;
    std::optional<std::string> error{};
    TimePoint created_at{};
    std::optional<std::string> group{};
    int priority = priority_default;
    RetryPolicy retry{};
    std::vector<std::string> tags{};
    std::uint32_t runs = 1;
    std::optional<Milliseconds> timeout{};
    std::optional<Milliseconds> ttl{};
    std::optional<TimePoint> deadline{};
    std::optional<Dedup> dedup{};
    std::optional<std::uint32_t> max_parallel_runs{};
    std::optional<SuccessPolicy> success{};
    std::optional<std::string> traceparent{};
    std::optional<std::string> tracestate{};
};
struct ScheduledJobPage {
    std::vector<ScheduledJob> jobs{};
    std::optional<std::string> next{};
};
struct ScheduledJobId {
    std::string id{};
};
/// One of both.
struct Reschedule {
    std::optional<TimePoint> run_at{};
    std::optional<Milliseconds> delay{};
};

}  // namespace tranter::schedule::wire
