#include "cli/top_command.hpp"

#include "base/stop.hpp"
#include "base/unicode.hpp"
#include "cli/exit_code.hpp"
#include "cli/job_session.hpp"
#include "cli/screen.hpp"
#include "cli/scrolled_frame.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"
#include "cli/top_sampler.hpp"
#include "cli/top_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>

namespace tranter::cli {

namespace {

constexpr Duration top_period_default = std::chrono::seconds(1);
constexpr Duration top_period_min = std::chrono::milliseconds(100);
constexpr Duration top_period_max = std::chrono::hours(1);
/// How soon a new sample is seen.
constexpr Duration redraw_period = std::chrono::milliseconds(200);

Frame top_frame(const TopSampler::Latest& latest, std::size_t scrolled, ScreenSize size) {
    // The title and the heading of the queues stay.
    ScrolledLines list{.fixed = 2, .scrolled = scrolled, .trouble = latest.trouble};
    if (latest.now) {
        // The first sample has nothing to be compared with.
        list.lines =
            top_lines(latest.before.value_or(*latest.now), *latest.now, {size.columns, true});
    }
    return scrolled_frame(std::move(list), size);
}

int watch_queues(TopSource source, Duration period) {
    Screen screen;
    const TopSampler sampler(std::move(source), period);
    std::size_t scrolled = 0;
    while (true) {
        screen.show(top_frame(sampler.latest(), scrolled, screen.size()));
        const Screen::Waited waited = screen.wait(redraw_period);
        if (waited.signal != 0) return exit_of_signal(waited.signal);
        if (waited.ended) return 0;
        for (const Key& key : waited.keys) {
            if (!take_scroll_key(key, scrolled)) return 0;
        }
    }
}

/// Two samples, as rates are between two.
Result<int> print_once(TopSource source, Duration period, bool as_json) {
    const std::stop_source never;
    const auto before = source.sample(never.get_token());
    if (!before) return std::unexpected(before.error());
    rest(period, never.get_token());
    const auto now = source.sample(never.get_token());
    if (!now) return std::unexpected(now.error());
    if (as_json) {
        write_all(STDOUT_FILENO, top_json(*before, *now).dump() + "\n");
        return 0;
    }
    const TableRoom room{terminal_columns(STDOUT_FILENO), has_colours(STDOUT_FILENO)};
    write_all(STDOUT_FILENO, fmt::format("{}\n", fmt::join(top_lines(*before, *now, room), "\n")));
    return 0;
}

Result<int> run_top(const Arguments& arguments) {
    const auto given = arguments.duration("interval");
    if (!given) return std::unexpected(given.error());
    const Duration period = given->value_or(top_period_default);
    if (period < top_period_min || period > top_period_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "--interval is {}, expected 100ms to 1h", in_quotes(arguments.text("interval"))
            )
        );
    }
    const bool as_json = arguments.find("output") == "json";
    const bool once = arguments.is_on("once") || as_json;
    if (!once) {
        auto usable = Screen::check("top", "`tranter top --once` prints once");
        if (!usable) return std::unexpected(usable.error());
    }
    auto source = TopSource::open(arguments.find("url").value_or(std::string(default_provider)));
    if (!source) return std::unexpected(source.error());
    if (once) return print_once(std::move(*source), period, as_json);
    return watch_queues(std::move(*source), period);
}

}  // namespace

Command top_command() {
    Option url = provider_option();
    url.name = "url";
    Option output = output_option({"text", "json"});
    output.help = "how to print; json prints once (default: text)";
    return {
        .name = "top",
        .summary = "watch queues and workers: what waits, how long, and how fast it goes",
        .description =
            "The queue whose oldest job has waited the longest comes first. P50 to P99 say how "
            "long jobs waited\nuntil a worker took them: those of the last interval, or of all "
            "when there were none. A store\nthat is no server has no such times, and SQS has no "
            "rates either. up and down scroll, q quits.",
        .options =
            {std::move(url),
             {.name = "interval",
              .value = "DURATION",
              .help = "between two looks, and what rates are taken over (default: 1s)"},
             {.name = "once", .value = "", .help = "print once, after one interval, and end"},
             std::move(output)},
        .examples =
            {{"a server on this machine", "tranter top"},
             {"what waits for more than a minute, for a script",
              "tranter top -o json | jq -r '.queues[] | select(.oldest_ms > 60000).name'"}},
        .run = run_top,
    };
}

}  // namespace tranter::cli
