#include "schedule/wire_json.hpp"

#include "jobs/enum_text.hpp"
#include "jobs/job_json.hpp"
#include "jobs/options_writer.hpp"
#include "jobs/strict_json.hpp"

#include <tranter/payload.hpp>

#include <optional>
#include <utility>

namespace tranter::schedule {
namespace {

void write_time_or_null(
    JsonWriter& json, std::string_view name, const std::optional<TimePoint>& when
) {
    if (when) {
        jobs::write_member(json, name, *when);
    } else {
        json.key(name).null();
    }
}

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
    if (text.empty()) {
        json.key(name).null();
    } else {
        json.member(name, jobs::as_utf8(text));
    }
}

wire::ScheduleState state_of(const Schedule& schedule) {
    if (schedule.paused) return wire::ScheduleState::paused;
    return schedule.next_slot ? wire::ScheduleState::active : wire::ScheduleState::ended;
}

}  // namespace

Result<wire::ScheduleDefinition> read_definition(
    std::string_view text, wire::ScheduleDefinition before
) {
    return jobs::from_json_strictly<wire::ScheduleDefinition>(text, std::move(before));
}

ScheduleDefinition definition_of(wire::ScheduleDefinition&& from) {
    wire::JobSettings& options = from.options;
    return {
        .name = std::move(from.name).value_or(""),
        .expression = std::move(from.expression),
        .timezone = std::move(from.timezone),
        .queue = std::move(from.queue),
        .type = std::move(from.type),
        .payload = from.payload.text(),
        .options =
            {.priority = options.priority,
             .group = std::move(from.group),
             .retry = options.retry,
             .timeout = options.timeout,
             .ttl = options.ttl,
             .tags = std::move(options.tags),
             .dedup = std::move(options.dedup),
             .runs = options.runs,
             .max_parallel_runs = options.max_parallel_runs,
             .success = options.success},
        .rules = from.rules};
}

wire::ScheduleDefinition to_wire(const ScheduleDefinition& definition) {
    const JobOptions& options = definition.options;
    return {
        .name = definition.name,
        .expression = definition.expression,
        .timezone = definition.timezone,
        .queue = definition.queue,
        .type = definition.type,
        .payload = Json::parse(definition.payload).value_or(Json()),
        .group = options.group,
        .options =
            {.priority = options.priority,
             .retry = options.retry,
             .timeout = options.timeout,
             .ttl = options.ttl,
             .tags = options.tags,
             .dedup = options.dedup,
             .runs = options.runs,
             .max_parallel_runs = options.max_parallel_runs,
             .success = options.success},
        .rules = definition.rules};
}

void write_schedule_members(JsonWriter& json, const Schedule& schedule) {
    const ScheduleDefinition& definition = schedule.definition;
    json.member("name", definition.name).member("expression", definition.expression);
    json.member("timezone", definition.timezone.empty() ? "UTC" : definition.timezone);
    json.member("state", jobs::enum_text(state_of(schedule)));
    write_time_or_null(json, "next_run_at", schedule.next_slot);
    write_time_or_null(json, "last_run_at", schedule.last_slot);
    json.member("queue", definition.queue).member("type", definition.type);
    json.key("payload").raw(definition.payload);
    if (!definition.options.group.empty()) json.member("group", definition.options.group);
    json.key("options").begin_object();
    jobs::write_options(json, definition.options, jobs::Defaults::leave_out);
    json.end_object();
    json.key("rules").raw(to_json(definition.rules).value_or("{}"));  // nothing is refused
    json.member("source", jobs::enum_text(schedule.source));
    if (schedule.paused) json.member("pause_reason", jobs::as_utf8(schedule.pause_reason));
    write_time_or_null(json, "due_at", schedule.next_due);
    write_text_or_null(json, "last_job", schedule.last_job);
    write_text_or_null(json, "last_error", schedule.last_error);
    json.member("runs", schedule.runs).member("missed", schedule.missed);
    json.member("skipped", schedule.skipped);
    jobs::write_member(json, "created_at", schedule.created_at);
    jobs::write_member(json, "updated_at", schedule.updated_at);
}

void write_schedule(JsonWriter& json, const Schedule& schedule) {
    json.begin_object();
    write_schedule_members(json, schedule);
    json.end_object();
}

void write_run(JsonWriter& json, const SlotRun& run) {
    json.begin_object();
    jobs::write_member(json, "slot", run.key.slot);
    json.member("state", jobs::enum_text(run.state));
    json.member("manual", run.key.manual).member("job", run.job_id);
    write_time_or_null(json, "enqueued_at", run.enqueued_at);
    json.member("tries", run.tries);
    write_text_or_null(json, "error", run.error);
    json.end_object();
}

void write_scheduled_job(JsonWriter& json, const ScheduledJob& job) {
    json.begin_object().member("id", job.id).member("queue", job.queue).member("type", job.type);
    json.key("payload").raw(job.payload);
    json.member("state", jobs::enum_text(job.state));
    jobs::write_member(json, "run_at", job.due);
    json.member("tries", job.tries);
    write_text_or_null(json, "error", job.error);
    jobs::write_member(json, "created_at", job.created_at);
    if (!job.options.group.empty()) json.member("group", job.options.group);
    jobs::write_options(json, job.options, jobs::Defaults::write);
    json.end_object();
}

}  // namespace tranter::schedule
