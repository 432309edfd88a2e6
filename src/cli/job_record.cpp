#include "cli/job_record.hpp"

#include "cli/job_session.hpp"
#include "cli/short_text.hpp"
#include "jobs/options_writer.hpp"
#include "jobs/state_name.hpp"
#include "jobs/time_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace tranter::cli {

namespace {

std::string relative_text(std::chrono::microseconds distance) {
    const bool past = distance.count() < 0;
    const std::string text = short_duration(past ? -distance : distance);
    return past ? text + " ago" : "in " + text;
}

void set_time(
    Json& record,
    std::string_view name,
    const std::optional<TimePoint>& when,
    const TimeStyle& style
) {
    if (when) record.set(name, time_cell(*when, style));
}

void set_text(Json& record, std::string_view name, const std::string& text) {
    if (!text.empty()) record.set(name, text);
}

void set_json(Json& record, std::string_view name, const std::string& text) {
    if (!text.empty()) record.set(name, Json::verbatim(text));
}

void add_options(Json& record, const JobOptions& options) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    jobs::write_options(json, options, jobs::Defaults::write);
    json.end_object();
    const auto members = Json::parse(text);
    if (!members) return;
    for (const JsonMember& member : members->members()) {
        record.set(member.name, member.value);
    }
}

Json failures_of(const JobRecord& job, const TimeStyle& style) {
    Json::Array failures;
    for (const AttemptFailure& failure : job.failures) {
        Json one;
        one.set("attempt", failure.attempt)
            .set("at", time_cell(failure.at, style))
            .set("type", failure.type)
            .set("text", failure.text);
        failures.push_back(std::move(one));
    }
    return failures;
}

}  // namespace

TimeStyle time_style(const JobSession& session) {
    return {
        .relative = session.output.is_table() && session.relative_times(),
        .now = std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now()),
    };
}

std::string time_cell(TimePoint when, const TimeStyle& style) {
    if (style.relative) return relative_text(when - style.now);
    constexpr TimeUnit microseconds{.num = 1, .den = 1'000'000};
    const auto text = jobs::time_text(when.time_since_epoch().count(), microseconds);
    return text ? *text : std::string("-");
}

Json job_record(const JobRecord& job, const TimeStyle& style) {
    Json record;
    record.set("id", job.id)
        .set("queue", job.queue)
        .set("type", job.type)
        .set("payload", Json::verbatim(job.payload.empty() ? "null" : job.payload))
        .set("state", jobs::state_name(job.state))
        .set("attempt", job.attempt)
        .set("created_at", time_cell(job.created_at, style));
    set_time(record, "run_at", job.run_at, style);
    set_time(record, "started_at", job.started_at, style);
    set_time(record, "lease_until", job.lease_until, style);
    set_time(record, "finished_at", job.finished_at, style);
    record.set("cancel_requested", job.cancel_requested);
    set_json(record, "result", job.result);
    record.set("failures", failures_of(job, style));
    set_json(record, "progress", job.progress);
    set_text(record, "worker", job.worker);
    set_text(record, "reason", job.reason);
    set_text(record, "group", job.options.group);
    add_options(record, job.options);
    return record;
}

Json job_row(const JobRecord& job, const TimeStyle& style) {
    Json record = job_record(job, style);
    if (!job.reason.empty()) {
        record.set("error", job.reason);
    } else if (!job.failures.empty()) {
        const AttemptFailure& last = job.failures.back();
        record.set("error", fmt::format("{}: {}", last.type, last.text));
    }
    return record;
}

std::vector<Column> job_columns() {
    return {
        {"id", "ID"},
        {"queue", "QUEUE"},
        {"type", "TYPE"},
        {"state", "STATE"},
        {"attempt", "ATTEMPT"},
        {"created_at", "CREATED"},
        {"run_at", "DUE", true},
        {"finished_at", "FINISHED", true},
        {"priority", "PRIORITY", true},
        {"group", "GROUP", true},
        {"tags", "TAGS", true},
        {"worker", "WORKER", true},
        {"error", "ERROR", true},
        {"payload", "PAYLOAD", true},
    };
}

}  // namespace tranter::cli
