#include "cli/app_verbs.hpp"

#include "base/duration.hpp"
#include "base/unicode.hpp"
#include "cli/app_client.hpp"
#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"
#include "control/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

using OrderKind = control::Order::Kind;

constexpr Duration order_limit = std::chrono::seconds(60);

/// What an app did not do is a failed action, whatever kind of error it is.
Result<int> give_order(const Arguments& arguments, control::Order order) {
    const auto limit = wait_limit(arguments);
    if (!limit) return std::unexpected(limit.error());
    order.limit = *limit;
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const auto given = client->give(order);
    if (given) return static_cast<int>(ExitCode::ok);
    if (given.error().code() != Errc::timed_out) return std::unexpected(given.error());
    say("not done in time: " + given.error().message());
    return static_cast<int>(ExitCode::failed);
}

template <OrderKind kind>
Result<int> run_order(const Arguments& arguments) {
    return give_order(arguments, {.kind = kind, .targets = arguments.list("APP")});
}

bool is_meant(const supervise::App& app, std::string_view target) {
    const std::string_view name = target.substr(0, target.rfind(':'));
    return target == "all" || app.name == target || app.space == target || app.name == name;
}

/// Whose new instances replace the old ones before anybody knows whether they listen.
void tell_of_gaps(
    const std::vector<supervise::App>& apps, const std::vector<std::string>& targets
) {
    for (const supervise::App& app : apps) {
        const bool is_guessed = app.readiness.probe.kind == supervise::Probe::Kind::uptime;
        const bool is_one = std::ranges::any_of(targets, [&app](const std::string& target) {
            return is_meant(app, target);
        });
        if (!is_one || !is_guessed || app.reloads_at_once == 0) continue;
        say(fmt::format(
            "{}: does not say when it is ready, so old instances end when new ones have run for "
            "{}, listening or not; wait_ready of PM2, or ready = \"notify\", closes that gap",
            printable(app.name),
            format_duration(app.restart.min_uptime)
        ));
    }
}

Result<int> run_reload(const Arguments& arguments) {
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const auto apps = client->apps();
    if (!apps) return std::unexpected(apps.error());
    tell_of_gaps(*apps, arguments.list("APP"));
    return run_order<OrderKind::reload>(arguments);
}

Result<int> run_scale(const Arguments& arguments) {
    return give_order(
        arguments,
        {.kind = OrderKind::scale,
         .targets = {arguments.text("APP")},
         .count = arguments.text("COUNT")}
    );
}

Result<int> run_signal(const Arguments& arguments) {
    return give_order(
        arguments,
        {.kind = OrderKind::signal,
         .targets = arguments.list("APP"),
         .count = arguments.text("SIGNAL")}
    );
}

Result<int> run_flush(const Arguments& arguments) {
    auto apps = arguments.list("APP");
    if (apps.empty()) apps = {"all"};
    return give_order(arguments, {.kind = OrderKind::flush_logs, .targets = std::move(apps)});
}

Result<int> run_reload_logs(const Arguments& /*arguments*/) {
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const auto done = client->reopen_logs();
    if (!done) return std::unexpected(done.error());
    return static_cast<int>(ExitCode::ok);
}

}  // namespace

Option wait_limit_option() {
    return {
        .name = "timeout",
        .value = "DURATION",
        .help = "how long to wait until it is done (default: 60s)"};
}

Result<Duration> wait_limit(const Arguments& arguments) {
    const auto limit = arguments.duration("timeout");
    if (!limit) return std::unexpected(limit.error());
    return limit->value_or(order_limit);
}

Positional targets_positional() {
    return {
        .name = "APP",
        .help =
            "name of an app, namespace, or all; or one instance: key that `tranter ps` shows, or "
            "NAME:NUMBER",
        .repeated = true};
}

Command stop_command() {
    return {
        .name = "stop",
        .summary = "stop apps",
        .description =
            "Each gets its stop signal, and what is left of it after its kill timeout is killed. "
            "Returns when\nnothing of them runs.",
        .positionals = {targets_positional()},
        .options = {wait_limit_option()},
        .examples = {{"two apps", "tranter stop web worker"}},
        .run = run_order<OrderKind::stop>,
    };
}

Command restart_command() {
    return {
        .name = "restart",
        .summary = "stop apps and start them again",
        .description =
            "They keep the environment that they have. Returns when they are ready again.",
        .positionals = {targets_positional()},
        .options = {wait_limit_option()},
        .examples =
            {{"all of a namespace", "tranter restart tranter"},
             {"the second instance of an app", "tranter restart web:1"}},
        .run = run_order<OrderKind::restart>,
    };
}

Command reload_command() {
    return {
        .name = "reload",
        .summary = "replace the instances of apps one after the other",
        .description =
            "A new instance, with the number of the old one, is started and has to be ready before "
            "that is\nstopped; when it fails, the old ones stay. What cannot run twice at a time, "
            "such "
            "as the server, is\nrestarted.",
        .positionals = {targets_positional()},
        .options = {wait_limit_option()},
        .examples = {{"without a gap", "tranter reload worker"}},
        .run = run_reload,
    };
}

Command scale_command() {
    return {
        .name = "scale",
        .summary = "set how many instances of an app run",
        .description = "Those that have least to do are stopped first.",
        .positionals =
            {{.name = "APP", .help = "its name"},
             {.name = "COUNT", .help = "how many, or +N or -N: more or less"}},
        .options = {wait_limit_option()},
        .examples = {{"two more", "tranter scale worker +2"}},
        .run = run_scale,
    };
}

Command delete_command() {
    return {
        .name = "delete",
        .summary = "stop apps and forget them",
        .description = "One instance alone is one less for its app, and the last one is the app.",
        .positionals = {targets_positional()},
        .options = {wait_limit_option()},
        .examples = {{"one app", "tranter delete web"}},
        .run = run_order<OrderKind::remove>,
        .aliases = {"del"},
    };
}

Command signal_command() {
    return {
        .name = "signal",
        .summary = "send a signal to the first process of each instance",
        .positionals =
            {{.name = "SIGNAL", .help = "name or number: SIGUSR2, HUP, 12"}, targets_positional()},
        .examples = {{"read the configuration again", "tranter signal HUP web"}},
        .run = run_signal,
        .aliases = {"sendSignal"},
    };
}

Command reset_command() {
    return {
        .name = "reset",
        .summary = "forget how often apps were restarted",
        .positionals = {targets_positional()},
        .examples = {{"of all", "tranter reset all"}},
        .run = run_order<OrderKind::reset>,
    };
}

Command flush_command() {
    Positional apps = targets_positional();
    apps.required = false;
    return {
        .name = "flush",
        .summary = "empty the log files of apps",
        .positionals = {std::move(apps)},
        .examples = {{"of all", "tranter flush"}},
        .run = run_flush,
    };
}

Command reload_logs_command() {
    return {
        .name = "reload-logs",
        .summary = "begin log files anew that were moved away",
        .description =
            "For logrotate(8); Tranter rotates them itself, too. SIGHUP to the daemon "
            "does the same.",
        .examples = {{"after a move", "tranter reload-logs"}},
        .run = run_reload_logs,
        .aliases = {"reloadLogs"},
    };
}

}  // namespace tranter::cli
