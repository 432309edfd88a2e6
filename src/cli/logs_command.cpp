#include "cli/logs_command.hpp"

#include "cli/app_client.hpp"
#include "cli/ending_watch.hpp"
#include "cli/log_view.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

using control::Client;
using supervise::Event;
using supervise::InstanceView;
using supervise::OutputLine;

constexpr std::int64_t lines_default = 15;

struct LogsRequest {
    std::vector<std::string> targets{};
    LogChoice choice{};
    LogPrinter::Options look{};
    std::size_t lines = 0;
    bool follows = true;
    bool shows_events = false;
};

Result<LogsRequest> read_logs_request(const Arguments& arguments) {
    const auto lines = arguments.integer("lines", {.min = 0});
    if (!lines) return std::unexpected(lines.error());
    const bool only_output = arguments.is_on("out");
    const bool only_errors = arguments.is_on("errors");
    if (only_output && only_errors) {
        return fail(Errc::invalid_argument, "--out and --errors are both given, expected one");
    }
    if (arguments.is_on("json") && arguments.is_on("raw")) {
        return fail(Errc::invalid_argument, "--json and --raw are both given, expected one");
    }
    LogsRequest request{
        .targets = arguments.list("TARGET"),
        .choice = {.output = !only_errors, .errors = !only_output, .text = arguments.text("grep")},
        .look =
            {.is_terminal = is_terminal(STDOUT_FILENO),
             .colours = has_colours(STDOUT_FILENO),
             .timestamps = arguments.is_on("timestamps")},
        .lines = static_cast<std::size_t>(lines->value_or(lines_default)),
        .follows = !arguments.is_on("no-follow"),
    };
    if (arguments.is_on("json")) request.look.form = LogPrinter::Form::json;
    if (arguments.is_on("raw")) request.look.form = LogPrinter::Form::raw;
    // "all" is the word for it elsewhere.
    std::erase(request.targets, "all");
    const bool is_narrowed = only_output || only_errors || arguments.has("grep");
    request.shows_events = request.look.form == LogPrinter::Form::text && !is_narrowed;
    return request;
}

/// Whether a target stands for it, or there is none. The daemon decides what is printed; this is
/// for how wide names are.
bool is_named(const InstanceView& instance, const std::vector<std::string>& targets) {
    return targets.empty() || std::ranges::any_of(targets, [&](const std::string& target) {
               return target == instance.id.app || target == instance.space ||
                      target == std::to_string(instance.key);
           });
}

/// Prints what was there and then what comes.
class Logs {
  public:
    Logs(LogsRequest request, Client client)
        : request_(std::move(request)), client_(std::move(client)), printer_(request_.look) {}

    Result<> print_latest() {
        auto instances = client_.instances();
        if (!instances) return std::unexpected(instances.error());
        std::erase_if(*instances, [this](const InstanceView& instance) {
            return !is_named(instance, request_.targets);
        });
        printer_.know(*instances);
        auto lines = client_.latest_lines(request_.targets);
        if (!lines) return std::unexpected(lines.error());
        for (const OutputLine& line : *lines)
            seen_.add(line);
        std::string text;
        for (const OutputLine& line :
             last_lines(std::move(*lines), request_.choice, request_.lines))
            text += printer_.line(line);
        write_all(STDOUT_FILENO, text);
        return {};
    }

    /// Follows on a connection of its own, and only then asks for what was there: nothing that is
    /// printed in between is lost.
    Result<> follow(Client follower) {
        const EndingWatch ending(STDOUT_FILENO);
        bool has_begun = false;
        Result<> latest;
        std::exception_ptr broken;
        bool goes_on = true;
        const auto guarded = [&](auto&& print) {
            try {
                print();
            } catch (...) {
                broken = std::current_exception();
                goes_on = false;
            }
        };
        const Client::Following following{
            .line = [&](const OutputLine& line) { guarded([&] { print(line); }); },
            .event = [&](const Event& event) { guarded([&] { print(event); }); },
            .goes_on =
                [&] {
                    if (!std::exchange(has_begun, true)) {
                        guarded([&] { latest = print_latest(); });
                        goes_on = goes_on && latest.has_value();
                    }
                    return goes_on && !ending.has_come();
                },
            .wake = ending.descriptor(),
        };
        auto followed = follower.follow(request_.targets, following);
        if (broken) std::rethrow_exception(broken);
        if (!latest) return latest;
        return followed;
    }

  private:
    void print(const OutputLine& line) {
        if (seen_.has(line) || !is_chosen(line, request_.choice)) return;
        write_all(STDOUT_FILENO, printer_.line(line));
    }

    void print(const Event& event) {
        if (request_.shows_events) write_all(STDOUT_FILENO, printer_.event(event));
    }

    LogsRequest request_;
    Client client_;
    LogPrinter printer_;
    SeenLines seen_{};
};

Result<int> run_logs(const Arguments& arguments) {
    auto request = read_logs_request(arguments);
    if (!request) return std::unexpected(request.error());
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const bool follows = request->follows;
    Logs logs(std::move(*request), std::move(*client));
    Result<> done;
    if (follows) {
        auto follower = connect_to_apps();
        if (!follower) return std::unexpected(follower.error());
        done = logs.follow(std::move(*follower));
    } else {
        done = logs.print_latest();
    }
    if (!done) return std::unexpected(done.error());
    return 0;
}

}  // namespace

Command logs_command() {
    return {
        .name = "logs",
        .summary = "print what the apps of `tranter up` print, and follow it",
        .description =
            "The latest lines of each instance, all in order of time, and then what comes, until "
            "Ctrl-C. On a\nterminal colours of the apps stay, and what else would steer it is "
            "left out.",
        .positionals =
            {{.name = "TARGET",
              .help = "apps, namespaces or keys of instances (default: all)",
              .required = false,
              .repeated = true}},
        .options =
            {{.name = "lines",
              .value = "N",
              .help = "how many of the latest lines of each instance, of which 100 are kept "
                      "(default: 15)",
              .letter = 'n'},
             {.name = "no-follow", .value = "", .help = "end after the latest lines"},
             {.name = "out", .value = "", .help = "standard output alone"},
             {.name = "errors", .value = "", .help = "standard error alone"},
             {.name = "grep", .value = "TEXT", .help = "only lines that have it in them"},
             {.name = "timestamps",
              .value = "",
              .help = "when each line was printed, in front of it",
              .letter = 't'},
             {.name = "json", .value = "", .help = "each line as an object, as PM2 prints them"},
             {.name = "raw", .value = "", .help = "lines as they are, without names"}},
        .examples =
            {{"all apps", "tranter logs"},
             {"what went wrong in one", "tranter logs web --errors --lines 100 --no-follow"},
             {"for a program", "tranter logs --json | jq -r 'select(.type == \"err\").message'"}},
        .run = run_logs,
        .aliases = {"log"},
    };
}

}  // namespace tranter::cli
