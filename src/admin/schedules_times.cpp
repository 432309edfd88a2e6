#include "admin/jobs_checks.hpp"
#include "admin/schedules_api.hpp"
#include "admin/schedules_checks.hpp"
#include "jobs/state_name.hpp"
#include "jobs/strict_json.hpp"
#include "schedule/cadence.hpp"
#include "schedule/explanation.hpp"
#include "schedule/moment_text.hpp"
#include "schedule/wire.hpp"
#include "schedule/wire_json.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

// When schedules and expressions fire.
namespace tranter::admin {
namespace {

namespace schedule_wire = schedule::wire;

constexpr std::size_t firings_default = 20;
constexpr std::size_t firings_max = 10'000;
constexpr std::size_t firings_explained = 5;

schedule::UtcMillis whole_millis(TimePoint when) {
    return std::chrono::floor<std::chrono::milliseconds>(when);
}

template <class Request>
Result<schedule::Cadence> read_cadence(const Request& request, schedule::ZoneDirectory& zones) {
    if (request.expression.empty()) {
        return fail(
            Errc::invalid_argument,
            "expression is empty, expected a cron expression like \"0 9 * * 1-5\" or an interval "
            "like \"every 30 minutes\""
        );
    }
    return schedule::Cadence::parse(
        request.expression,
        {.zone = request.timezone, .dst = {.gap = request.dst_gap, .overlap = request.dst_overlap}},
        zones
    );
}

schedule_wire::Explanation explanation_of(const schedule::Cadence& cadence, std::string version) {
    schedule_wire::Explanation out{
        .words = cadence.in_words(),
        .expression = cadence.expression(),
        .timezone = cadence.zone().name(),
        .time_zone_data = std::move(version),
        .warnings = cadence.warnings()};
    for (const auto when : cadence.next_n(whole_millis(current_time()), firings_explained))
        out.next.push_back(schedule::local_text(when, cadence.zone()));
    return out;
}

}  // namespace

http::Response SchedulesApi::preview(const JobCall& call) {
    const auto count = read_number(call, "count", firings_default, firings_max);
    if (!count) return problem_reply(count.error());
    const auto from = read_time(call, "from", current_time());
    if (!from) return problem_reply(from.error());
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto found = schedule::explain(*known, call.id, *count, *from);
    if (!found) return problem_reply(found.error());
    schedule_wire::Preview out;
    for (const ScheduleFiring& firing : found->next) {
        out.firings.push_back({.at = firing.slot, .local = firing.local, .due = firing.due});
    }
    return answer_struct(out);
}

http::Response SchedulesApi::explain(const JobCall& call) {
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto found =
        schedule::explain(*known, call.id, firings_explained, current_time(), options_.jobs);
    if (!found) return problem_reply(found.error());
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    write_explanation(json, *found);
    json.member("time_zone_data", found->time_zone_data).member("open_runs", found->open_runs);
    if (found->last_job_state) {
        json.member("last_job_state", jobs::state_name(*found->last_job_state));
    }
    schedule::write_schedule_members(json, found->schedule);
    json.end_object();
    return json_reply(200, std::move(out));
}

http::Response SchedulesApi::preview_expression(const JobCall& call) {
    const auto body = jobs::from_json_strictly<schedule_wire::PreviewRequest>(call.body);
    if (!body) return problem_reply(body.error());
    if (body->count > firings_max) {
        return problem_reply(Error(
            Errc::invalid_argument,
            fmt::format("count is {}, limit is {}", body->count, firings_max)
        ));
    }
    const auto cadence = read_cadence(*body, zones());
    if (!cadence) return problem_reply(cadence.error());
    schedule_wire::Preview out;
    const TimePoint from = body->from.value_or(current_time());
    for (const auto when : cadence->next_n(whole_millis(from), body->count)) {
        out.firings.push_back({.at = when, .local = schedule::local_text(when, cadence->zone())});
    }
    return answer_struct(out);
}

http::Response SchedulesApi::explain_expression(const JobCall& call) {
    const auto body = jobs::from_json_strictly<schedule_wire::ExplainRequest>(call.body);
    if (!body) return problem_reply(body.error());
    schedule::ZoneDirectory& known_zones = zones();
    const auto cadence = read_cadence(*body, known_zones);
    if (!cadence) return problem_reply(cadence.error());
    return answer_struct(explanation_of(*cadence, known_zones.version()));
}

}  // namespace tranter::admin
