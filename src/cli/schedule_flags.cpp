#include "cli/schedule_flags.hpp"

#include "aws/sqs_client.hpp"
#include "base/unicode.hpp"
#include "cli/input.hpp"
#include "cli/job_flags.hpp"
#include "cli/schedule_expression.hpp"
#include "cli/terminal.hpp"

#include <tranter/enum_names.hpp>
#include <tranter/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::cli {
namespace {

// Of a job that comes again and again these make no sense.
constexpr std::array<std::string_view, 4> one_time_flags{"delay", "run-at", "deadline", "id"};

template <class E>
void read_choice(const Arguments& arguments, std::string_view name, E& value) {
    const auto given = arguments.find(name);
    if (!given) return;
    const auto names = enum_names<E>();
    const auto found = std::ranges::find(names, std::string_view(*given), &EnumName::name);
    if (found != names.end()) value = static_cast<E>(found->value);
}

Result<> read_span(const Arguments& arguments, std::string_view name, Milliseconds& value) {
    const auto given = find_milliseconds(arguments, name);
    if (!given) return std::unexpected(given.error());
    if (*given) value = **given;
    return {};
}

template <class Count>
Result<> read_count(const Arguments& arguments, std::string_view name, Count& value) {
    const auto given = arguments.integer(name, {.min = 0, .max = 1'000'000'000});
    if (!given) return std::unexpected(given.error());
    if (*given) value = static_cast<Count>(**given);
    return {};
}

Result<> read_when(
    const Arguments& arguments, std::string_view name, std::optional<TimePoint>& value
) {
    const auto given = find_time_flag(arguments, name);
    if (!given) return std::unexpected(given.error());
    if (*given) value = **given;
    return {};
}

Result<> read_rules(const Arguments& arguments, ScheduleRules& rules) {
    read_dst_rules(arguments, rules);
    read_choice(arguments, "misfire", rules.misfire.policy);
    read_choice(arguments, "overlap", rules.overlap);
    read_choice(arguments, "anchor", rules.anchor);
    Result<> done = read_span(arguments, "misfire-window", rules.misfire.window);
    if (done) done = read_count(arguments, "misfire-cap", rules.misfire.cap);
    if (done) done = read_span(arguments, "jitter", rules.jitter);
    if (done) done = read_count(arguments, "max-runs", rules.max_runs);
    if (done) done = read_when(arguments, "start-at", rules.start_at);
    if (done) done = read_when(arguments, "end-at", rules.end_at);
    return done;
}

Result<> read_payload_flag(const Arguments& arguments, std::string& payload) {
    const auto given = arguments.find("payload");
    if (!given) return {};
    std::string text = *given;
    if (names_input(text)) {
        const auto input = Input::open(text);
        if (!input) return std::unexpected(input.error());
        text = read_all(input->fd(), input->name());
    }
    auto json = ::tranter::Json::parse(text);
    if (!json) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "--payload is {}, expected JSON like '{{\"a\":1}}' or '\"text\"': {}",
                in_quotes(*given),
                json.error().message()
            )
        );
    }
    payload = json->text();
    return {};
}

}  // namespace

Result<std::optional<TimePoint>> find_time_flag(const Arguments& arguments, std::string_view name) {
    const auto given = arguments.find(name);
    if (!given) return std::nullopt;
    const auto moment = parse_moment(*given, fmt::format("--{}", name));
    if (!moment) return std::unexpected(moment.error());
    return TimePoint(*moment);
}

Result<> apply_schedule_flags(const Arguments& arguments, ScheduleDefinition& definition) {
    const auto expression = read_expression(arguments);
    if (!expression) return std::unexpected(expression.error());
    if (*expression) definition.expression = **expression;
    if (const auto zone = arguments.find("tz")) definition.timezone = *zone;
    if (const auto type = arguments.find("type")) definition.type = *type;
    if (const auto queue = arguments.find("queue")) {
        if (auto checked = aws::check_queue_name(*queue); !checked) return checked;
        definition.queue = *queue;
    }
    if (auto done = read_rules(arguments, definition.rules); !done) return done;
    if (auto done = read_payload_flag(arguments, definition.payload); !done) return done;
    auto job = read_job_flags(arguments, {.options = definition.options});
    if (!job) return std::unexpected(job.error());
    definition.options = std::move(job->options);
    return {};
}

std::vector<Option> schedule_flags() {
    std::vector<Option> options = expression_options();
    const std::vector<Option> own{
        {.name = "type", .value = "TYPE", .help = "of the jobs"},
        {.name = "payload",
         .value = "JSON",
         .help = "of the jobs; '-' for stdin, '@FILE' for a file (default: null)"},
        {.name = "queue",
         .value = "NAME",
         .help = "where the jobs go (default: default)",
         .letter = 'q'},
        {.name = "misfire",
         .value = "POLICY",
         .help = "slots that passed while no scheduler ran (default: run_once)",
         .choices = {"run_once", "run_all", "skip"}},
        {.name = "misfire-window",
         .value = "DURATION",
         .help = "older slots never run (default: 1h)"},
        {.name = "misfire-cap", .value = "N", .help = "of run_all, how many (default: 100)"},
        {.name = "overlap",
         .value = "POLICY",
         .help = "a slot whose earlier job is not finished (default: allow)",
         .choices = {"allow", "skip", "buffer_one", "buffer_all", "cancel_other"}},
        {.name = "anchor",
         .value = "FROM",
         .help = "from when an interval counts: 1970 or its start, the making of the schedule, or "
                 "the end of the job before (default: epoch)",
         .choices = {"epoch", "registration", "after_completion"}},
        {.name = "jitter", .value = "DURATION", .help = "each slot up to so much later"},
        {.name = "start-at", .value = "TIME", .help = "no slot before it"},
        {.name = "end-at", .value = "TIME", .help = "no slot after it"},
        {.name = "max-runs", .value = "N", .help = "so many slots; 0 is no limit (default: 0)"},
    };
    options.insert(options.end(), own.begin(), own.end());
    for (Option& flag : job_flags()) {
        if (std::ranges::find(one_time_flags, flag.name) == one_time_flags.end()) {
            options.push_back(std::move(flag));
        }
    }
    return options;
}

}  // namespace tranter::cli
