#include "admin/schedules_api.hpp"

#include "admin/jobs_checks.hpp"
#include "admin/jobs_reply.hpp"
#include "admin/schedules_checks.hpp"
#include "jobs/strict_json.hpp"
#include "schedule/explanation.hpp"
#include "schedule/wire_json.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

// Schedules: to list, to make and change, and what is done to them.
namespace tranter::admin {
namespace {

namespace schedule_wire = schedule::wire;

constexpr std::size_t schedules_default = 50;
constexpr std::size_t schedules_max = 1000;
constexpr std::size_t runs_default = 100;
constexpr std::size_t runs_shown_max = 1000;
constexpr std::size_t shown_with_schedule = 10;   // runs
constexpr std::size_t firings_with_schedule = 5;  // and next times

http::Response answer_changed(const Result<Schedule>& changed) {
    if (!changed) return problem_reply(changed.error());
    std::string out;
    JsonWriter json(out);
    schedule::write_schedule(json, *changed);
    return json_reply(200, std::move(out));
}

/// The name in a body is optional, and no other than that in the path.
Result<> check_same_name(const std::optional<std::string>& given, const std::string& name) {
    if (!given || *given == name) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("name is {}, expected {} as in the path", shown(*given), shown(name))
    );
}

}  // namespace

void SchedulesApi::handle(JobCall&& call, http::Exchange exchange) {
    std::optional<IdempotentRequests::Request> once;
    if (!call.idempotency_key.empty() && call.route->method != "GET") {
        once = request_of(call);
        if (!begin_once(*once, once_, exchange)) return;
    }
    auto answer = std::make_shared<std::move_only_function<void(http::Response)>>(
        [this, once = std::move(once), exchange = std::move(exchange)](http::Response response
        ) mutable {
            if (once) once_.finish(*once, response);
            std::move(exchange).respond(std::move(response));
        }
    );
    WorkPool::Task task = [this, answer, call = std::move(call)] {
        (*answer)((this->*call.route->scheduling)(call));
    };
    if (workplace().pool.submit(task)) return;
    (*answer)(problem_reply(
        Error(Errc::unavailable, "too many calls wait for the store of schedules; try again")
    ));
}

SchedulesApi::Workplace& SchedulesApi::workplace() {
    std::call_once(placed_, [this] { place_ = std::make_unique<Workplace>(options_); });
    return *place_;
}

schedule::ZoneDirectory& SchedulesApi::zones() {
    schedule::ZoneDirectory& zones = workplace().zones;
    zones.reload_if_changed();
    return zones;
}

Result<schedule::Registry> SchedulesApi::registry() {
    const std::lock_guard lock(mutex_);
    if (store_ == nullptr) {
        auto opened = options_.open();
        if (!opened) return std::unexpected(opened.error());
        store_ = std::move(*opened);
    }
    return schedule::Registry{.store = *store_, .zones = zones()};
}

Result<schedule::Registry> SchedulesApi::registry_for(const JobCall& call) {
    if (!is_schedule_name(call.id)) {
        return fail(Errc::not_found, fmt::format("schedule {} is not known", shown(call.id)));
    }
    return registry();
}

http::Response SchedulesApi::answer_schedule(
    const schedule::Registry& registry, std::string_view name, int status
) {
    const auto known = schedule::explain(registry, name, firings_with_schedule, current_time());
    if (!known) return problem_reply(known.error());
    const auto runs = registry.store.runs_of(name, shown_with_schedule, false);
    if (!runs) return problem_reply(runs.error());
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    schedule::write_schedule_members(json, known->schedule);
    write_explanation(json, *known);
    json.key("last_runs").begin_array();
    for (const schedule::SlotRun& run : *runs)
        schedule::write_run(json, run);
    json.end_array().end_object();
    return json_reply(status, std::move(out));
}

http::Response SchedulesApi::list(const JobCall& call) {
    const auto limit = read_number(call, "limit", schedules_default, schedules_max);
    if (!limit) return problem_reply(limit.error());
    const auto cursor = read_cursor(call, is_schedule_name);
    if (!cursor) return problem_reply(cursor.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    return answer_page(
        "schedules",
        {.after = *cursor, .limit = *limit, .bytes = options_.page_bytes},
        [&](std::string_view after, std::size_t max) { return known->store.list(after, max); },
        schedule::write_schedule,
        [](const Schedule& schedule) { return schedule.definition.name; }
    );
}

http::Response SchedulesApi::create(const JobCall& call) {
    auto body = schedule::read_definition(call.body);
    if (!body) return problem_reply(body.error());
    const auto force = read_flag(call, "force");
    if (!force) return problem_reply(force.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    const ScheduleDefinition definition = schedule::definition_of(std::move(*body));
    const auto added =
        schedule::add(*known, definition, ScheduleSource::hand, current_time(), *force);
    return added ? answer_schedule(*known, definition.name, 201) : problem_reply(added.error());
}

http::Response SchedulesApi::put(const JobCall& call) {
    auto body = schedule::read_definition(call.body);
    if (!body) return problem_reply(body.error());
    const auto force = read_flag(call, "force");
    if (!force) return problem_reply(force.error());
    if (auto same = check_same_name(body->name, call.id); !same) return problem_reply(same.error());
    body->name = call.id;
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    const ScheduleDefinition definition = schedule::definition_of(std::move(*body));
    const auto done = schedule::put(*known, definition, current_time(), *force);
    if (!done) return problem_reply(done.error());
    return answer_schedule(
        *known, definition.name, done->what == schedule::Reconciled::made ? 201 : 200
    );
}

http::Response SchedulesApi::patch(const JobCall& call) {
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto change = [&call](ScheduleDefinition& definition) -> Result<> {
        auto body = schedule::read_definition(call.body, schedule::to_wire(definition));
        if (!body) return std::unexpected(std::move(body.error()));
        if (auto same = check_same_name(body->name, call.id); !same) return same;
        definition = schedule::definition_of(std::move(*body));
        definition.name = call.id;
        return {};
    };
    const auto edited = schedule::edit(*known, call.id, current_time(), change);
    return edited ? answer_schedule(*known, call.id) : problem_reply(edited.error());
}

http::Response SchedulesApi::find(const JobCall& call) {
    const auto known = registry_for(call);
    return known ? answer_schedule(*known, call.id) : problem_reply(known.error());
}

http::Response SchedulesApi::remove(const JobCall& call) {
    const auto known = registry_for(call);
    return known ? answer_done(known->store.remove(call.id)) : problem_reply(known.error());
}

http::Response SchedulesApi::pause(const JobCall& call) {
    const auto body = jobs::from_json_strictly<schedule_wire::Pause>(body_or_nothing(call));
    if (!body) return problem_reply(body.error());
    if (auto checked = check_reason(body->reason); !checked) return problem_reply(checked.error());
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    return answer_changed(schedule::pause(*known, call.id, body->reason));
}

http::Response SchedulesApi::resume(const JobCall& call) {
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    return answer_changed(schedule::resume(*known, call.id, current_time()));
}

http::Response SchedulesApi::run_now(const JobCall& call) {
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto run = schedule::run_now(*known, call.id, current_time(), request_name(call));
    if (!run) return problem_reply(run.error());
    return answer_struct(schedule_wire::RunAnswer{
        .job = schedule::job_id_of(*run), .schedule = call.id});
}

http::Response SchedulesApi::skip_next(const JobCall& call) {
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto slot =
        schedule::skip_next(*known, call.id, current_time(), options_.jobs, request_name(call));
    if (!slot) return problem_reply(slot.error());
    return answer_struct(schedule_wire::SkipAnswer{.skipped = *slot, .schedule = call.id});
}

http::Response SchedulesApi::backfill(const JobCall& call) {
    const auto body =
        jobs::from_json_strictly<schedule_wire::BackfillRequest>(body_or_nothing(call));
    if (!body) return problem_reply(body.error());
    if (!body->from) {
        return problem_reply(Error(
            Errc::invalid_argument, "from is missing, expected a time like 2027-01-31T08:00:00Z"
        ));
    }
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const TimePoint now = current_time();
    const schedule::BackfillRequest request{
        .period = {.from = *body->from, .to = body->to.value_or(now)},
        .dry_run = body->dry_run,
        .overlap = body->overlap};
    auto found = schedule::backfill(*known, call.id, request, now);
    if (!found) return problem_reply(found.error());
    return answer_struct(schedule_wire::BackfillAnswer{
        .slots = std::move(found->slots), .claimed = found->claimed, .dry_run = body->dry_run});
}

http::Response SchedulesApi::runs(const JobCall& call) {
    const auto limit = read_number(call, "limit", runs_default, runs_shown_max);
    if (!limit) return problem_reply(limit.error());
    const auto open_only = read_flag(call, "open");
    if (!open_only) return problem_reply(open_only.error());
    const auto known = registry_for(call);
    if (!known) return problem_reply(known.error());
    const auto runs = known->store.runs_of(call.id, *limit, *open_only);
    if (!runs) return problem_reply(runs.error());
    // Those of a schedule that was removed are still there.
    if (runs->empty()) {
        if (const auto there = known->store.find(call.id); !there) {
            return problem_reply(there.error());
        }
    }
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("runs").begin_array();
    for (const schedule::SlotRun& run : *runs)
        schedule::write_run(json, run);
    json.end_array().end_object();
    return json_reply(200, std::move(out));
}

}  // namespace tranter::admin
