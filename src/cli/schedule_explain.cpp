#include "cli/job_session.hpp"
#include "cli/output.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_expression.hpp"
#include "cli/schedule_session.hpp"
#include "cli/schedule_stored.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <unistd.h>

namespace tranter::cli {
namespace {

constexpr std::size_t explained_firings = 5;

Result<int> run_explain(const Arguments& arguments) {
    if (names_a_schedule(arguments.text(schedule_word))) return explain_stored(arguments);
    auto expression = read_expression(arguments);
    if (!expression) return std::unexpected(expression.error());
    if (!*expression) *expression = arguments.find(schedule_word);
    if (!*expression) {
        return fail(
            Errc::invalid_argument,
            "there is no expression, expected a schedule, an expression, --cron or --every"
        );
    }
    ScheduleRules rules;
    read_dst_rules(arguments, rules);
    schedule::ZoneDirectory zones;
    const auto cadence = schedule::Cadence::parse(
        **expression,
        {.zone = arguments.text("tz"), .dst = {.gap = rules.dst_gap, .overlap = rules.dst_overlap}},
        zones
    );
    if (!cadence) return std::unexpected(cadence.error());
    const auto times = cadence->next_n(current_moment(), explained_firings);
    Json record;
    record.set("words", cadence->in_words())
        .set("expression", cadence->expression())
        .set("timezone", cadence->zone().name())
        .set("time_zone_data", zones.version());
    Json next(Json::Array{});
    for (const schedule::UtcMillis when : times)
        next.push(local_text(when, cadence->zone()));
    Json warnings(Json::Array{});
    for (const std::string& warning : cadence->warnings())
        warnings.push(warning);
    record.set("next", std::move(next)).set("warnings", std::move(warnings));
    Output output(stdout_options(arguments));
    output.one(record);
    if (times.empty()) say("it never fires");
    return 0;
}

}  // namespace

Command schedule_explain_command() {
    std::vector<Option> options = expression_options();
    options.push_back(provider_option());
    return {
        .name = "explain",
        .summary = "say when a schedule fires and what keeps it from doing so",
        .description =
            "Of an expression, in words, and what looks like a mistake. Of a schedule in the store "
            "also why it\ndoes not fire: paused, ended, errors, slots that wait or have passed, no "
            "scheduler at work; with\n--provider also whether its last job still runs.",
        .positionals = {schedule_or_expression()},
        .options = with_store_options(std::move(options)),
        .examples =
            {{"what was that again", "tranter schedule explain '0 9 * * 1-5' --tz Europe/Berlin"},
             {"why did it not run", "tranter schedule explain daily-team-report"}},
        .run = run_explain,
    };
}

}  // namespace tranter::cli
