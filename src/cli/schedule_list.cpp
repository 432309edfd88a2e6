#include "cli/schedule_commands.hpp"
#include "cli/schedule_expression.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"

#include <utility>

namespace tranter::cli {
namespace {

constexpr std::size_t schedules_page = 500;
constexpr std::size_t shown_runs = 10;
constexpr std::size_t shown_firings = 5;

Result<int> list_schedules(ScheduleSession& session, const Arguments&) {
    session.output.begin(schedule_columns());
    std::string after;
    while (true) {
        const auto page = session.store.list(after, schedules_page);
        if (!page) return std::unexpected(page.error());
        if (page->empty()) break;
        after = page->back().definition.name;
        for (const Schedule& schedule : *page)
            session.output.row(schedule_record(schedule, session.style()));
    }
    session.output.end();
    return 0;
}

Result<int> show_schedule(ScheduleSession& session, const Arguments& arguments) {
    const auto schedule = session.store.find(arguments.text("NAME"));
    if (!schedule) return std::unexpected(schedule.error());
    const TimeStyle style = session.style();
    Json record = schedule_record(*schedule, style);
    const auto cadence = schedule::check_definition(
        session.registry(), schedule->definition, ScheduleSession::now(), true
    );
    if (cadence) {
        const auto next =
            schedule::preview(session.registry(), *schedule, shown_firings, ScheduleSession::now());
        if (!next) return std::unexpected(next.error());
        Json firings(Json::Array{});
        for (const TimePoint when : *next) {
            firings.push(
                local_text(std::chrono::floor<std::chrono::milliseconds>(when), cadence->zone())
            );
        }
        record.set("words", cadence->in_words()).set("next", std::move(firings));
    } else {
        record.set("problem", cadence.error().message());
    }
    const auto runs = session.store.runs_of(schedule->definition.name, shown_runs, false);
    if (!runs) return std::unexpected(runs.error());
    Json shown(Json::Array{});
    for (const schedule::SlotRun& run : *runs)
        shown.push(run_record(run, style));
    record.set("last_runs", std::move(shown));
    session.output.one(record);
    return 0;
}

}  // namespace

Command schedule_list_command() {
    return {
        .name = "list",
        .summary = "list schedules by name",
        .options = with_store_options({}),
        .examples =
            {{"those that went wrong",
              "tranter schedule list -o json | jq '.[] | select(.last_error)'"}},
        .run = in_schedule_session<list_schedules>,
    };
}

Command schedule_show_command() {
    return {
        .name = "show",
        .summary = "show a schedule, its next times and its last runs",
        .positionals = {{.name = "NAME", .help = "of the schedule"}},
        .options = with_store_options({}),
        .examples = {{"as JSON", "tranter schedule show daily-team-report -o json"}},
        .run = in_schedule_session<show_schedule>,
    };
}

}  // namespace tranter::cli
