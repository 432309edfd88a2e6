#include "cli/ps_command.hpp"

#include "base/unicode.hpp"
#include "cli/app_client.hpp"
#include "cli/app_view.hpp"
#include "cli/describe_view.hpp"
#include "cli/exit_code.hpp"
#include "cli/ps_view.hpp"
#include "cli/screen.hpp"
#include "cli/scrolled_frame.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

using supervise::App;
using supervise::InstanceView;

constexpr Duration ps_watch_period = std::chrono::seconds(1);

struct AppsAndInstances {
    std::vector<App> apps{};
    std::vector<InstanceView> instances{};
};

Result<AppsAndInstances> read_apps() {
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    auto apps = client->apps();
    if (!apps) return std::unexpected(apps.error());
    auto instances = client->instances();
    if (!instances) return std::unexpected(instances.error());
    return AppsAndInstances{std::move(*apps), std::move(*instances)};
}

/// Connects first where that has been lost.
Result<std::vector<InstanceView>> instances_of(std::optional<control::Client>& client) {
    if (!client) {
        auto again = connect_to_apps();
        if (!again) return std::unexpected(again.error());
        client = std::move(*again);
    }
    return client->instances();
}

bool is_json(const Arguments& arguments) {
    return arguments.find("output") == "json";
}

void print_line(const Json& json) {
    write_all(STDOUT_FILENO, json.dump() + "\n");
}

/// Until q. A daemon that is not there any more may come back.
int watch_apps(control::Client connected) {
    std::optional<control::Client> client = std::move(connected);
    Screen screen;
    std::vector<InstanceView> instances;
    std::size_t scrolled = 0;
    while (true) {
        std::string trouble;
        if (auto now = instances_of(client); now) {
            instances = std::move(*now);
        } else {
            trouble = now.error().message();
            client.reset();
        }
        const ScreenSize size = screen.size();
        auto lines = ps_lines(instances, {size.columns, true}, SteadyClock::wall_clock());
        screen.show(scrolled_frame(
            {.lines = std::move(lines),
             .fixed = 1,
             .scrolled = scrolled,
             .trouble = std::move(trouble)},
            size
        ));
        const Screen::Waited waited = screen.wait(ps_watch_period);
        if (waited.signal != 0) return exit_of_signal(waited.signal);
        if (waited.ended) return 0;
        for (const Key& key : waited.keys) {
            if (!take_scroll_key(key, scrolled)) return 0;
        }
    }
}

Result<int> run_ps_watch(const Arguments& arguments) {
    if (const auto output = arguments.find("output"); output && *output != "table") {
        return fail(
            Errc::invalid_argument,
            fmt::format("--watch shows a table, leave it out with --output {}", *output)
        );
    }
    auto usable = Screen::check("ps --watch", "`tranter ps` prints once");
    if (!usable) return std::unexpected(usable.error());
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    return watch_apps(std::move(*client));
}

Result<int> run_ps(const Arguments& arguments) {
    if (arguments.is_on("watch")) return run_ps_watch(arguments);
    if (is_json(arguments)) {
        const auto all = read_apps();
        if (!all) return std::unexpected(all.error());
        print_line(jlist(all->instances, all->apps));
        return 0;
    }
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const auto instances = client->instances();
    if (!instances) return std::unexpected(instances.error());
    const bool is_wide = arguments.find("output") == "wide";
    const TableRoom room{
        .columns = is_wide ? 0 : terminal_columns(STDOUT_FILENO),
        .colours = has_colours(STDOUT_FILENO),
    };
    write_all(STDOUT_FILENO, ps_table(*instances, room, SteadyClock::wall_clock()));
    return 0;
}

/// By name, or by the key of one of its instances, as the daemon finds targets.
Result<App> find_app(const AppsAndInstances& all, const std::string& target) {
    auto app = std::ranges::find(all.apps, target, &App::name);
    if (app == all.apps.end()) {
        const auto instance = std::ranges::find(all.instances, target, [](const auto& each) {
            return std::to_string(each.key);
        });
        if (instance != all.instances.end())
            app = std::ranges::find(all.apps, instance->id.app, &App::name);
    }
    if (app != all.apps.end()) return *app;
    return fail(
        Errc::not_found,
        fmt::format("there is no app {}, `tranter ps` lists them", in_quotes(target))
    );
}

Secrets wanted_secrets(const Arguments& arguments) {
    return arguments.is_on("show-secrets") ? Secrets::shown : Secrets::hidden;
}

Result<int> run_describe(const Arguments& arguments) {
    const auto all = read_apps();
    if (!all) return std::unexpected(all.error());
    const auto app = find_app(*all, arguments.text("APP"));
    if (!app) return std::unexpected(app.error());
    DescribedApp described{.app = *app};
    std::ranges::copy_if(
        all->instances,
        std::back_inserter(described.instances),
        [&app](const InstanceView& instance) { return instance.id.app == app->name; }
    );
    const Secrets secrets = wanted_secrets(arguments);
    if (is_json(arguments)) {
        print_line(describe_json(described, secrets));
    } else {
        write_all(STDOUT_FILENO, describe_text(described, secrets, SteadyClock::wall_clock()));
    }
    return 0;
}

Result<int> run_env(const Arguments& arguments) {
    const auto all = read_apps();
    if (!all) return std::unexpected(all.error());
    const auto app = find_app(*all, arguments.text("APP"));
    if (!app) return std::unexpected(app.error());
    const Secrets secrets = wanted_secrets(arguments);
    if (is_json(arguments)) {
        print_line(variables_json(*app, secrets));
        return 0;
    }
    std::string text;
    for (const auto& [name, value] : visible_environment(*app, secrets))
        text += fmt::format("{}={}\n", printable(name), printable(value));
    write_all(STDOUT_FILENO, text);
    return 0;
}

const Positional app_argument{
    .name = "APP", .help = "name of the app, or the key of one of its instances"};
const Option show_secrets{
    .name = "show-secrets",
    .value = "",
    .help = "show values of variables like *SECRET*, *TOKEN*, *PASSWORD* and *KEY* too"};

Option text_or_json() {
    Option option = output_option({"text", "json"});
    option.help = "how to print (default: text)";
    return option;
}

}  // namespace

Command ps_command() {
    Option output = output_option({"table", "wide", "json"});
    output.help = "how to print (default: table)";
    return {
        .name = "ps",
        .summary = "list the apps of `tranter up`",
        .description =
            "A table as wide as the terminal, which leaves columns out that have no room; wide "
            "and without a\nterminal it has all of them. JSON has the form of PM2's jlist, "
            "without secrets.",
        .options =
            {{.name = "watch",
              .value = "",
              .help = "show it anew each second until q is typed; up and down scroll"},
             std::move(output)},
        .examples =
            {{"what runs", "tranter ps"},
             {"and what becomes of it", "tranter ps --watch"},
             {"which apps are not running, for a script",
              "tranter ps -o json | jq -r '.[] | select(.pm2_env.status != \"online\").name'"}},
        .run = run_ps,
        .aliases = {"list", "ls", "status"},
    };
}

Command describe_command() {
    return {
        .name = "describe",
        .summary = "show all about an app of `tranter up` and its instances",
        .positionals = {app_argument},
        .options = {show_secrets, text_or_json()},
        .examples =
            {{"an app", "tranter describe web"},
             {"where its output goes", "tranter describe web -o json | jq -r .logs.output"}},
        .run = run_describe,
        .aliases = {"desc", "info", "show"},
    };
}

Command app_env_command() {
    return {
        .name = "env",
        .summary = "show the environment of an app of `tranter up`",
        .description = "The variables that its processes start with, by name.",
        .positionals = {app_argument},
        .options = {show_secrets, text_or_json()},
        .examples = {{"one variable", "tranter env web -o json | jq -r .NODE_ENV"}},
        .run = run_env,
    };
}

}  // namespace tranter::cli
