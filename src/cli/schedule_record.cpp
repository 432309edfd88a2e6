#include "cli/schedule_record.hpp"

#include "jobs/enum_text.hpp"
#include "jobs/job_json.hpp"

#include <tranter/payload.hpp>

#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

void set_moment(
    Json& record,
    std::string_view name,
    const std::optional<TimePoint>& when,
    const TimeStyle& style
) {
    record.set(name, when ? Json(time_cell(*when, style)) : Json());
}

}  // namespace

Json schedule_record(const Schedule& schedule, const TimeStyle& style) {
    const ScheduleDefinition& definition = schedule.definition;
    Json record;
    record.set("name", definition.name).set("expression", definition.expression);
    record.set("timezone", definition.timezone.empty() ? "UTC" : definition.timezone);
    record.set("state", schedule.paused ? "paused" : schedule.next_slot ? "active" : "ended");
    set_moment(record, "next_run_at", schedule.next_slot, style);
    set_moment(record, "last_run_at", schedule.last_slot, style);
    record.set("queue", definition.queue).set("type", definition.type);
    record.set("payload", Json::verbatim(definition.payload));
    if (!definition.options.group.empty()) record.set("group", definition.options.group);
    const std::string options = jobs::options_to_json(definition.options);
    record.set("options", Json::verbatim(options.empty() ? "{}" : options));
    record.set("rules", Json::verbatim(to_json(definition.rules).value_or("{}")));
    record.set("source", jobs::enum_text(schedule.source));
    if (schedule.paused) record.set("pause_reason", schedule.pause_reason);
    set_moment(record, "due_at", schedule.next_due, style);
    record.set("last_job", schedule.last_job.empty() ? Json() : Json(schedule.last_job));
    record.set("last_error", schedule.last_error.empty() ? Json() : Json(schedule.last_error));
    record.set("runs", schedule.runs).set("missed", schedule.missed);
    record.set("skipped", schedule.skipped);
    record.set("created_at", time_cell(schedule.created_at, style));
    record.set("updated_at", time_cell(schedule.updated_at, style));
    return record;
}

std::vector<Column> schedule_columns() {
    return {
        {"name", "NAME"},
        {"expression", "WHEN"},
        {"timezone", "ZONE"},
        {"state", "STATE"},
        {"next_run_at", "NEXT"},
        {"last_run_at", "LAST"},
        {"type", "TYPE"},
        {"queue", "QUEUE", true},
        {"runs", "RUNS", true},
        {"missed", "MISSED", true},
        {"skipped", "SKIPPED", true},
        {"last_error", "ERROR"},
    };
}

Json run_record(const schedule::SlotRun& run, const TimeStyle& style) {
    Json record;
    record.set("slot", time_cell(run.key.slot, style)).set("state", jobs::enum_text(run.state));
    record.set("manual", run.key.manual).set("job", run.job_id);
    set_moment(record, "enqueued_at", run.enqueued_at, style);
    record.set("tries", run.tries);
    record.set("error", run.error.empty() ? Json() : Json(run.error));
    return record;
}

}  // namespace tranter::cli
