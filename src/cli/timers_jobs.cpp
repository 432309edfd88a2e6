#include "base/json_writer.hpp"
#include "cli/bulk.hpp"
#include "cli/progress.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_flags.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"
#include "cli/terminal.hpp"
#include "jobs/enum_text.hpp"
#include "jobs/job_of_request.hpp"
#include "jobs/options_writer.hpp"
#include "schedule/later.hpp"

#include <fmt/format.h>

#include <algorithm>

// The commands below `tranter timers`: jobs that wait for their time in a store of schedules.
namespace tranter::cli {
namespace {

constexpr std::size_t timers_page = 500;
constexpr std::int64_t timers_shown_default = 50;

Json timer_record(const ScheduledJob& job, const TimeStyle& style) {
    Json record;
    record.set("id", job.id).set("queue", job.queue).set("type", job.type);
    record.set("state", jobs::enum_text(job.state)).set("run_at", time_cell(job.due, style));
    record.set("payload", Json::verbatim(job.payload)).set("tries", job.tries);
    record.set("error", job.error.empty() ? Json() : Json(job.error));
    record.set("created_at", time_cell(job.created_at, style));
    if (!job.options.group.empty()) record.set("group", job.options.group);
    std::string options;
    JsonWriter json(options);
    json.begin_object();
    jobs::write_options(json, job.options, jobs::Defaults::leave_out);
    json.end_object();
    record.set("options", Json::verbatim(options));
    return record;
}

std::vector<Column> timer_columns() {
    return {
        {"id", "ID"},
        {"queue", "QUEUE"},
        {"type", "TYPE"},
        {"state", "STATE", true},
        {"run_at", "DUE"},
        {"created_at", "MADE", true},
        {"tries", "TRIES", true},
        {"error", "ERROR"},
    };
}

Result<int> list_timers(ScheduleSession& session, const Arguments& arguments) {
    const auto limit = arguments.integer("limit", {.min = 1, .max = 1'000'000'000});
    if (!limit) return std::unexpected(limit.error());
    auto left = static_cast<std::size_t>(limit->value_or(timers_shown_default));
    session.output.begin(timer_columns());
    std::string after = arguments.text("after");
    bool more = true;
    while (left > 0 && more) {
        const std::size_t most = std::min(left, timers_page);
        const auto place = schedule::read_place(session.store, after);
        if (!place) return std::unexpected(place.error());
        const auto page = session.store.list_jobs(*place, most);
        if (!page) return std::unexpected(page.error());
        for (const ScheduledJob& job : *page)
            session.output.row(timer_record(job, session.style()));
        more = page->size() == most;
        if (!page->empty()) after = schedule::place_text(page->back());
        left -= page->size();
    }
    session.output.end();
    if (more) say(fmt::format("there may be more: --after {}", after));
    return 0;
}

Result<int> show_timers(ScheduleSession& session, const Arguments& arguments) {
    const auto job = session.store.find_job(jobs::normal_id(arguments.text("ID")));
    if (!job) return std::unexpected(job.error());
    session.output.one(timer_record(*job, session.style()));
    return 0;
}

Result<int> cancel_timers(ScheduleSession& session, const Arguments& arguments) {
    Progress progress;
    Refusals refusals(progress);
    std::uint64_t done = 0;
    session.output.begin({{"id", "ID"}, {"result", "RESULT"}});
    for (const std::string& given : arguments.list("ID")) {
        const std::string id = jobs::normal_id(given);
        const auto cancelled = session.store.cancel_job(id, ScheduleSession::now());
        if (!cancelled && !concerns_one(cancelled.error().code())) {
            if (done > 0) session.output.end();
            return std::unexpected(cancelled.error());
        }
        if (!cancelled) {
            refusals.add(fmt::format("job {}", id), cancelled.error());
            continue;
        }
        ++done;
        Json record;
        record.set("id", id).set("result", "cancelled");
        session.output.row(std::move(record));
    }
    if (done > 0) session.output.end();
    return refusals.exit_status(done);
}

Result<int> move_timer(ScheduleSession& session, const Arguments& arguments) {
    const auto at = find_time_flag(arguments, "run-at");
    if (!at) return std::unexpected(at.error());
    const auto delay = arguments.duration("delay");
    if (!delay) return std::unexpected(delay.error());
    if (at->has_value() == delay->has_value()) {
        return fail(Errc::invalid_argument, "expected one of --run-at and --delay");
    }
    const TimePoint now = ScheduleSession::now();
    const TimePoint due =
        at->value_or(now + std::chrono::ceil<TimePoint::duration>(delay->value_or(Duration())));
    const auto moved = schedule::reschedule(session.store, arguments.text("ID"), due, now);
    if (!moved) return std::unexpected(moved.error());
    session.output.one(timer_record(*moved, session.style()));
    return 0;
}

}  // namespace

Command timers_list_command() {
    return {
        .name = "list",
        .summary = "list jobs that wait for their time",
        .options = with_store_options(
            {{.name = "limit", .value = "N", .help = "how many at most (default: 50)"},
             {.name = "after",
              .value = "PLACE",
              .help = "those after this job, by its id or place"}}
        ),
        .examples =
            {{"all of one type",
              "tranter timers list --limit 100000 -o ndjson | jq 'select(.type == \"report\")'"}},
        .run = in_schedule_session<list_timers>,
    };
}

Command timers_show_command() {
    return {
        .name = "show",
        .summary = "show a job that waits for its time, or has waited",
        .positionals = {{.name = "ID", .help = "of the job"}},
        .options = with_store_options({}),
        .examples = {{"why is it late", "tranter timers show \"$ID\" -o json | jq .error"}},
        .run = in_schedule_session<show_timers>,
    };
}

Command timers_cancel_command() {
    return {
        .name = "cancel",
        .summary = "cancel jobs that wait for their time",
        .description =
            "One that is being enqueued or no longer waits is a conflict (exit code 4); of several "
            "some of which\ncould be cancelled exit code 7.",
        .positionals = {{.name = "ID", .help = "of the jobs", .repeated = true}},
        .options = with_store_options({}),
        .examples = {{"one", "tranter timers cancel \"$ID\""}},
        .run = in_schedule_session<cancel_timers>,
    };
}

Command timers_move_command() {
    return {
        .name = "move",
        .summary = "give a job that waits another time",
        .positionals = {{.name = "ID", .help = "of the job"}},
        .options = with_store_options(
            {{.name = "run-at", .value = "TIME", .help = "then, e.g. 2027-01-31T08:00:00Z"},
             {.name = "delay", .value = "DURATION", .help = "so much later than now; 0s is now"}}
        ),
        .examples = {{"not tomorrow but now", "tranter timers move \"$ID\" --delay 0s"}},
        .run = in_schedule_session<move_timer>,
    };
}

}  // namespace tranter::cli
