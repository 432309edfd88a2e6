#include "cli/schedule_preview.hpp"

#include "base/json_writer.hpp"
#include "base/log_text.hpp"
#include "cli/output.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_expression.hpp"
#include "cli/schedule_session.hpp"
#include "cli/schedule_stored.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"
#include "jobs/options_writer.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <cstdint>
#include <optional>

namespace tranter::cli {
namespace {

constexpr std::int64_t firings_default = 20;
constexpr std::int64_t line_firings_default = 5;

/// A line of --stdin.
struct PreviewRequest {
    std::optional<std::string> expr{};
    std::optional<std::string> tz{};
    std::optional<std::string> from{};
    std::optional<std::int64_t> count{};
    DstGap dst_gap = DstGap::run_after;
    DstOverlap dst_overlap = DstOverlap::first;
};

struct Firings {
    std::vector<schedule::UtcMillis> times{};
    schedule::Cadence cadence;
};

Result<Firings> find_firings(const PreviewRequest& request, schedule::ZoneDirectory& zones) {
    if (!request.expr) return fail(Errc::invalid_argument, "expr is missing");
    const std::int64_t count = request.count.value_or(line_firings_default);
    if (count < 0 || count > static_cast<std::int64_t>(firings_max)) {
        return fail(
            Errc::invalid_argument, fmt::format("count is {}, expected 0 to {}", count, firings_max)
        );
    }
    schedule::UtcMillis from = current_moment();
    if (request.from) {
        const auto given = parse_moment(*request.from, "from");
        if (!given) return std::unexpected(given.error());
        from = *given;
    }
    auto cadence = schedule::Cadence::parse(
        *request.expr,
        {.zone = request.tz.value_or(""),
         .dst = {.gap = request.dst_gap, .overlap = request.dst_overlap}},
        zones
    );
    if (!cadence) return std::unexpected(cadence.error());
    auto times = cadence->next_n(from, static_cast<std::size_t>(count));
    return Firings{.times = std::move(times), .cadence = std::move(*cadence)};
}

std::string error_line(const Error& error) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("error", jobs::as_utf8(error.message())).end_object();
    return out;
}

Result<int> preview_lines() {
    schedule::ZoneDirectory zones;
    LineReader lines(STDIN_FILENO, "stdin");
    std::string line;
    while (lines.next(line))
        write_all(STDOUT_FILENO, preview_line(line, zones) + "\n");
    return 0;
}

Result<int> preview_one(const Arguments& arguments) {
    auto expression = read_expression(arguments);
    if (!expression) return std::unexpected(expression.error());
    if (!*expression) *expression = arguments.find(schedule_word);
    if (!*expression) {
        return fail(
            Errc::invalid_argument,
            "there is no expression, expected a schedule, --cron, --every or --stdin"
        );
    }
    const auto count =
        arguments.integer("count", {.min = 1, .max = static_cast<std::int64_t>(firings_max)});
    if (!count) return std::unexpected(count.error());
    ScheduleRules rules;
    read_dst_rules(arguments, rules);
    const PreviewRequest request{
        .expr = *expression,
        .tz = arguments.find("tz"),
        .from = arguments.find("from"),
        .count = count->value_or(firings_default),
        .dst_gap = rules.dst_gap,
        .dst_overlap = rules.dst_overlap};
    schedule::ZoneDirectory zones;
    const auto found = find_firings(request, zones);
    if (!found) return std::unexpected(found.error());
    for (const std::string& warning : found->cadence.warnings())
        say(fmt::format("warning: {}", warning));
    Output output(stdout_options(arguments));
    output.begin({{"at", "UTC"}, {"local", "LOCAL"}});
    for (const schedule::UtcMillis when : found->times) {
        Json record;
        record.set("at", utc_text(when)).set("local", local_text(when, found->cadence.zone()));
        output.row(std::move(record));
    }
    output.end();
    if (found->times.empty()) say("it never fires");
    return 0;
}

Result<int> run_preview(const Arguments& arguments) {
    if (names_a_schedule(arguments.text(schedule_word))) return preview_stored(arguments);
    return arguments.is_on("stdin") ? preview_lines() : preview_one(arguments);
}

}  // namespace

std::string preview_line(std::string_view line, schedule::ZoneDirectory& zones) {
    const auto request = from_json<PreviewRequest>(line);
    if (!request) return error_line(request.error());
    const auto found = find_firings(*request, zones);
    if (!found) return error_line(found.error());
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("fires").begin_array();
    for (const schedule::UtcMillis when : found->times)
        json.value(utc_text(when));
    json.end_array().end_object();
    return out;
}

Command schedule_preview_command() {
    std::vector<Option> options = expression_options();
    const std::vector<Option> own{
        {.name = "from", .value = "TIME", .help = "firings after this time (default: now)"},
        {.name = "count", .value = "N", .help = "how many, 1 to 10000 (default: 20)"},
        {.name = "stdin",
         .value = "",
         .help = "each line of stdin asks with JSON, each line of stdout answers"},
    };
    options.insert(options.end(), own.begin(), own.end());
    return {
        .name = "preview",
        .summary = "print when a schedule or an expression fires",
        .description =
            "Prints nothing when it never fires. Of a schedule in the store with its start, end "
            "and jitter. With\n--stdin a line like\n"
            "    {\"expr\":\"0 9 * * *\",\"tz\":\"Europe/Berlin\",\"from\":"
            "\"2026-03-01T00:00:00Z\",\"count\":2}\n"
            "is answered by {\"fires\":[\"2026-03-01T08:00:00Z\",\"2026-03-02T08:00:00Z\"]} in "
            "UTC, "
            "or by\n{\"error\":\"...\"}. tz, from and count (5) may be left out.",
        .positionals = {schedule_or_expression()},
        .options = with_store_options(std::move(options)),
        .examples =
            {{"the next weekdays at nine in New York",
              "tranter schedule preview --cron '0 9 * * 1-5' --tz America/New_York --count 5"},
             {"around a change of clocks",
              "tranter schedule preview --cron '30 2 * * *' --tz Europe/Berlin --from "
              "2026-03-28T00:00:00Z --count 3"}},
        .run = run_preview,
    };
}

}  // namespace tranter::cli
