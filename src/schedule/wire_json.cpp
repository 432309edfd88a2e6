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

class WriterSink final : public MemberSink {
  public:
    explicit WriterSink(JsonWriter& json) : json_(json) {}
    void text(std::string_view name, std::string_view value) override { json_.member(name, value); }
    void number(std::string_view name, std::uint64_t value) override { json_.member(name, value); }
    void flag(std::string_view name, bool value) override { json_.member(name, value); }
    void json(std::string_view name, std::string_view value) override {
        json_.key(name).raw(value);
    }
    void null(std::string_view name) override { json_.key(name).null(); }
    void time(std::string_view name, TimePoint when) override {
        jobs::write_member(json_, name, when);
    }

  private:
    JsonWriter& json_;
};

void show_time_or_null(
    MemberSink& out, std::string_view name, const std::optional<TimePoint>& when
) {
    if (when) {
        out.time(name, *when);
    } else {
        out.null(name);
    }
}

void show_text_or_null(MemberSink& out, std::string_view name, const std::string& text) {
    if (text.empty()) {
        out.null(name);
    } else {
        out.text(name, jobs::as_utf8(text));
    }
}

std::string options_text(const JobOptions& options) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    jobs::write_options(json, options, jobs::Defaults::leave_out);
    json.end_object();
    return text;
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

void show_schedule(MemberSink& out, const Schedule& schedule) {
    const ScheduleDefinition& definition = schedule.definition;
    out.text("name", definition.name);
    out.text("expression", definition.expression);
    out.text("timezone", definition.timezone.empty() ? "UTC" : definition.timezone);
    out.text("state", jobs::enum_text(state_of(schedule)));
    show_time_or_null(out, "next_run_at", schedule.next_slot);
    show_time_or_null(out, "last_run_at", schedule.last_slot);
    out.text("queue", definition.queue);
    out.text("type", definition.type);
    out.json("payload", definition.payload);
    if (!definition.options.group.empty()) out.text("group", definition.options.group);
    out.json("options", options_text(definition.options));
    out.json("rules", to_json(definition.rules).value_or("{}"));  // nothing is refused
    out.text("source", jobs::enum_text(schedule.source));
    if (schedule.paused) out.text("pause_reason", jobs::as_utf8(schedule.pause_reason));
    show_time_or_null(out, "due_at", schedule.next_due);
    show_text_or_null(out, "last_job", schedule.last_job);
    show_text_or_null(out, "last_error", schedule.last_error);
    out.number("runs", schedule.runs);
    out.number("missed", schedule.missed);
    out.number("skipped", schedule.skipped);
    out.time("created_at", schedule.created_at);
    out.time("updated_at", schedule.updated_at);
}

void show_run(MemberSink& out, const SlotRun& run) {
    out.time("slot", run.key.slot);
    out.text("state", jobs::enum_text(run.state));
    out.flag("manual", run.key.manual);
    out.text("job", run.job_id);
    show_time_or_null(out, "enqueued_at", run.enqueued_at);
    out.number("tries", run.tries);
    show_text_or_null(out, "error", run.error);
}

void write_schedule_members(JsonWriter& json, const Schedule& schedule) {
    WriterSink out(json);
    show_schedule(out, schedule);
}

void write_schedule(JsonWriter& json, const Schedule& schedule) {
    json.begin_object();
    write_schedule_members(json, schedule);
    json.end_object();
}

void write_run(JsonWriter& json, const SlotRun& run) {
    json.begin_object();
    WriterSink out(json);
    show_run(out, run);
    json.end_object();
}

void write_scheduled_job(JsonWriter& json, const ScheduledJob& job) {
    json.begin_object().member("id", job.id).member("queue", job.queue).member("type", job.type);
    json.key("payload").raw(job.payload);
    json.member("state", jobs::enum_text(job.state));
    jobs::write_member(json, "run_at", job.due);
    json.member("tries", job.tries);
    WriterSink out(json);
    show_text_or_null(out, "error", job.error);
    jobs::write_member(json, "created_at", job.created_at);
    if (!job.options.group.empty()) json.member("group", job.options.group);
    jobs::write_options(json, job.options, jobs::Defaults::write);
    json.end_object();
}

}  // namespace tranter::schedule
