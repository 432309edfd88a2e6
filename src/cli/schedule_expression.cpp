#include "cli/schedule_expression.hpp"

#include "base/log_text.hpp"
#include "jobs/time_text.hpp"
#include "schedule/interval.hpp"

#include <tranter/enum_names.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tranter::cli {
namespace {

constexpr TimeUnit microsecond{1, 1'000'000};
constexpr std::size_t moment_bytes_shown_max = 64;

template <class E>
void read_enum_option(const Arguments& arguments, std::string_view name, E& value) {
    const auto given = arguments.find(name);
    if (!given) return;
    for (const EnumName& known : enum_names<E>()) {
        if (known.name == *given) value = static_cast<E>(known.value);
    }
}

}  // namespace

std::vector<Option> expression_options() {
    return {
        {.name = "cron",
         .value = "EXPR",
         .help = "five fields, six with seconds, seven with years, or @daily and the like"},
        {.name = "every", .value = "INTERVAL", .help = "such as 30m, '2 hours' or PT90S"},
        {.name = "tz", .value = "ZONE", .help = "time zone, such as Europe/Berlin (default: UTC)"},
        {.name = "dst-gap",
         .value = "RULE",
         .help = "a time of day that clocks jump over (default: run_after)",
         .choices = {"run_after", "skip", "shift"}},
        {.name = "dst-overlap",
         .value = "RULE",
         .help = "a time of day that clocks show twice (default: first)",
         .choices = {"first", "last", "both"}},
    };
}

std::string interval_expression(std::string_view text) {
    if (schedule::Interval::looks_like_one(text)) return std::string(text);
    return fmt::format("every {}", text);
}

Result<std::optional<std::string>> read_expression(const Arguments& arguments) {
    const auto cron = arguments.find("cron");
    const auto every = arguments.find("every");
    if (cron && every) {
        return fail(Errc::invalid_argument, "--cron and --every are both given, expected one");
    }
    if (every) return interval_expression(*every);
    return cron;
}

void read_dst_rules(const Arguments& arguments, ScheduleRules& rules) {
    read_enum_option(arguments, "dst-gap", rules.dst_gap);
    read_enum_option(arguments, "dst-overlap", rules.dst_overlap);
}

Result<schedule::UtcMillis> parse_moment(std::string_view text, std::string_view what) {
    const auto micros = jobs::parse_time_count(text, microsecond);
    if (micros) {
        return std::chrono::floor<std::chrono::milliseconds>(TimePoint(TimePoint::duration(*micros))
        );
    }
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{} is \"{}\", expected a time like 2027-01-31T08:00:00Z: {}",
            what,
            one_line(text.substr(0, moment_bytes_shown_max)),
            micros.error().message()
        )
    );
}

schedule::UtcMillis current_moment() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace tranter::cli
