#include "cli/output.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_expression.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <unistd.h>

namespace tranter::cli {
namespace {

constexpr std::size_t explained_firings = 5;

Result<int> run_explain(const Arguments& arguments) {
    auto expression = read_expression(arguments);
    if (!expression) return std::unexpected(expression.error());
    if (!*expression) *expression = arguments.find("EXPR");
    if (!*expression) {
        return fail(
            Errc::invalid_argument, "there is no expression, expected EXPR, --cron or --every"
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
    options.push_back(output_option({"table", "json"}));
    return {
        .name = "explain",
        .summary = "say in words when an expression fires, and what looks like a mistake",
        .positionals =
            {{.name = "EXPR", .help = "a cron expression or interval", .required = false}},
        .options = std::move(options),
        .examples =
            {{"what was that again", "tranter schedule explain '0 9 * * 1-5' --tz Europe/Berlin"}},
        .run = run_explain,
    };
}

}  // namespace tranter::cli
