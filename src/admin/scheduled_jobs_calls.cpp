#include "admin/jobs_checks.hpp"
#include "admin/schedules_api.hpp"
#include "admin/schedules_checks.hpp"
#include "base/uuid.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/trace_context.hpp"
#include "jobs/wire_json.hpp"
#include "schedule/later.hpp"
#include "schedule/wire_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

// Jobs for later.
namespace tranter::admin {
namespace {

namespace schedule_wire = schedule::wire;

constexpr std::size_t later_default = 50;
constexpr std::size_t later_max = 1000;
constexpr std::size_t asked_at_once = 500;  // of ids

std::unexpected<Error> no_time(std::string_view path) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{}: run_at and delay are missing, expected one of them, like \"run_at\": "
            "\"2027-01-31T08:00:00Z\" or \"delay\": \"2h\"",
            path
        )
    );
}

/// As stores know it. `not_found` for what is no id.
Result<std::string> id_of(const JobCall& call) {
    if (const auto uuid = parse_uuid(call.id)) return format_uuid(*uuid);
    return fail(Errc::not_found, fmt::format("no job with the id {} is scheduled", shown(call.id)));
}

Result<ScheduledJob> row_of(std::string_view queue, NewJob&& job, TimePoint now) {
    const auto at =
        job.run_at ? Result<TimePoint>(*job.run_at) : schedule::time_after(now, job.delay);
    if (!at) return std::unexpected(at.error());
    return schedule::job_for_later(queue, std::move(job), *at, now);
}

/// The rows of the jobs of a body: all of them, or what is wrong with the first that is wrong.
Result<std::vector<ScheduledJob>> rows_of(jobs::JobsForLater&& read, TimePoint now) {
    if (auto ok = check_count("jobs", read.jobs.size()); !ok) return std::unexpected(ok.error());
    std::vector<ScheduledJob> rows;
    rows.reserve(read.jobs.size());
    for (std::size_t i = 0; i < read.jobs.size(); ++i) {
        NewJob& job = read.jobs[i];
        const std::string path = read.array ? fmt::format("$[{}]", i) : "$";
        if (!job.run_at && job.delay.count() == 0) return no_time(path);
        auto row = row_of(read.queues[i], std::move(job), now);
        if (row) {
            rows.push_back(std::move(*row));
            continue;
        }
        if (!read.array) return std::unexpected(std::move(row.error()));
        return fail(row.error().code(), fmt::format("{}: {}", path, row.error().message()));
    }
    return rows;
}

/// Whether a request made all of the jobs already, under ids that follow from its key.
Result<bool> are_there(schedule::ScheduleStore& store, std::span<const ScheduledJob> rows) {
    while (!rows.empty()) {
        const auto some = rows.first(std::min(rows.size(), asked_at_once));
        std::vector<std::string> ids;
        for (const ScheduledJob& row : some)
            ids.push_back(row.id);
        const auto known = store.known_jobs(ids);
        if (!known) return std::unexpected(known.error());
        const bool all =
            std::ranges::all_of(*known, [](const auto& job) { return job.has_value(); });
        if (!all) return false;
        rows = rows.subspan(some.size());
    }
    return true;
}

bool is_place_or_id(std::string_view text) {
    return is_job_id(text.substr(text.find('.') + 1));  // npos + 1: all of it
}

Result<TimePoint> read_moment(const JobCall& call, TimePoint now) {
    const auto body = jobs::from_json_strictly<schedule_wire::Reschedule>(body_or_nothing(call));
    if (!body) return std::unexpected(body.error());
    if (body->run_at && body->delay) {
        return fail(Errc::invalid_argument, "$: delay and run_at exclude each other");
    }
    if (body->run_at) return *body->run_at;
    if (!body->delay) return no_time("$");
    return schedule::time_after(now, *body->delay);
}

http::Response made_reply(const std::vector<ScheduledJob>& rows, bool array) {
    std::vector<Enqueued> made;
    made.reserve(rows.size());
    for (const ScheduledJob& row : rows)
        made.push_back({.id = row.id});
    return json_reply(201, jobs::write_enqueued(made, array));
}

}  // namespace

http::Response SchedulesApi::answer_job(const Result<ScheduledJob>& job) {
    if (!job) return problem_reply(job.error());
    std::string out;
    JsonWriter json(out);
    schedule::write_scheduled_job(json, *job);
    return json_reply(200, std::move(out));
}

http::Response SchedulesApi::list_jobs(const JobCall& call) {
    const auto limit = read_number(call, "limit", later_default, later_max);
    if (!limit) return problem_reply(limit.error());
    const auto cursor = read_cursor(call, is_place_or_id);
    if (!cursor) return problem_reply(cursor.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    return answer_page(
        "jobs",
        {.after = *cursor, .limit = *limit, .bytes = options_.page_bytes},
        [&](std::string_view after, std::size_t max) -> Result<std::vector<ScheduledJob>> {
            const auto place = schedule::read_place(known->store, after);
            if (!place) return std::unexpected(place.error());
            return known->store.list_jobs(*place, max);
        },
        schedule::write_scheduled_job,
        schedule::place_text
    );
}

http::Response SchedulesApi::create_jobs(const JobCall& call) {
    auto read = jobs::read_jobs_for_later(call.body);
    if (!read) return problem_reply(read.error());
    const bool array = read->array;
    for (NewJob& job : read->jobs)
        jobs::take_trace(job.options, call.traceparent, call.tracestate);
    bool repeatable = false;
    if (!call.idempotency_key.empty()) {
        const auto chosen = IdempotentRequests::choose_ids(request_of(call), read->jobs);
        repeatable = std::ranges::none_of(chosen, &std::string::empty);
    }
    const auto rows = rows_of(std::move(*read), current_time());
    if (!rows) return problem_reply(rows.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    const auto added = known->store.add_jobs(*rows);
    if (added) return made_reply(*rows, array);
    const bool repeated = repeatable && added.error().code() == Errc::already_exists;
    if (!repeated) return problem_reply(added.error());
    const auto there = are_there(known->store, *rows);
    if (!there) return problem_reply(there.error());
    return *there ? made_reply(*rows, array) : problem_reply(added.error());
}

http::Response SchedulesApi::find_job(const JobCall& call) {
    const auto id = id_of(call);
    if (!id) return problem_reply(id.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    return answer_job(known->store.find_job(*id));
}

http::Response SchedulesApi::cancel_job(const JobCall& call) {
    const auto id = id_of(call);
    if (!id) return problem_reply(id.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    const auto cancelled = known->store.cancel_job(*id, current_time());
    return cancelled ? answer_job(known->store.find_job(*id)) : problem_reply(cancelled.error());
}

http::Response SchedulesApi::reschedule_job(const JobCall& call) {
    const auto id = id_of(call);
    if (!id) return problem_reply(id.error());
    const TimePoint now = current_time();
    const auto at = read_moment(call, now);
    if (!at) return problem_reply(at.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    return answer_job(schedule::reschedule(known->store, *id, *at, now));
}

http::Response SchedulesApi::run_job(const JobCall& call) {
    const auto id = id_of(call);
    if (!id) return problem_reply(id.error());
    const auto known = registry();
    if (!known) return problem_reply(known.error());
    const TimePoint now = current_time();
    return answer_job(schedule::reschedule(known->store, *id, now, now));
}

}  // namespace tranter::admin
