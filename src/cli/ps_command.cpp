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
#include "supervise/instance_environment.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
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

/// An app, or one instance of it.
struct Meant {
    App app{};
    std::optional<InstanceView> instance{};
};

/// By its name, or as an instance by its key or as "web:1", as the daemon finds targets.
Result<Meant> find_meant(const AppsAndInstances& all, const std::string& target) {
    const auto app_named = [&all](const std::string& name) {
        return std::ranges::find(all.apps, name, &App::name);
    };
    if (const auto app = app_named(target); app != all.apps.end()) return Meant{.app = *app};
    for (const InstanceView& instance : all.instances) {
        if (std::to_string(instance.key) != target && label_of(instance.id) != target) continue;
        const auto app = app_named(instance.id.app);
        if (app != all.apps.end()) return Meant{.app = *app, .instance = instance};
    }
    return fail(
        Errc::not_found,
        fmt::format("there is no app {}, `tranter ps` lists them", in_quotes(target))
    );
}

/// With the environment that this one instance finds, also when another has its number and key now.
App with_environment_of(
    App app, const InstanceView& instance, const std::vector<InstanceView>& all
) {
    const std::uint32_t number = instance.own_number.value_or(instance.id.number);
    const auto own =
        std::ranges::find(all, supervise::InstanceId{app.name, number}, &InstanceView::id);
    const std::uint32_t key = own == all.end() ? instance.key : own->key;
    const auto variables = supervise::environment_of(app, number, key);
    app.environment.clear();
    for (const std::string_view variable : variables) {
        const std::size_t equals = variable.find('=');
        app.environment.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
    }
    return app;
}

Secrets wanted_secrets(const Arguments& arguments) {
    return arguments.is_on("show-secrets") ? Secrets::shown : Secrets::hidden;
}

Result<int> run_describe(const Arguments& arguments) {
    const auto all = read_apps();
    if (!all) return std::unexpected(all.error());
    const auto meant = find_meant(*all, arguments.text("APP"));
    if (!meant) return std::unexpected(meant.error());
    DescribedApp described{.app = meant->app};
    std::ranges::copy_if(
        all->instances,
        std::back_inserter(described.instances),
        [&meant](const InstanceView& instance) {
            if (meant->instance) return instance.id == meant->instance->id;
            return instance.id.app == meant->app.name;
        }
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
    const auto meant = find_meant(*all, arguments.text("APP"));
    if (!meant) return std::unexpected(meant.error());
    const App app = meant->instance
                        ? with_environment_of(meant->app, *meant->instance, all->instances)
                        : meant->app;
    const Secrets secrets = wanted_secrets(arguments);
    if (is_json(arguments)) {
        print_line(variables_json(app, secrets));
        return 0;
    }
    std::string text;
    for (const auto& [name, value] : visible_environment(app, secrets))
        text += fmt::format("{}={}\n", printable(name), printable(value));
    write_all(STDOUT_FILENO, text);
    return 0;
}

const Positional app_argument{
    .name = "APP",
    .help = "name of an app; or one instance: key that `tranter ps` shows, or NAME:NUMBER"};
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
             {"the second of its instances", "tranter describe web:1"},
             {"where its output goes", "tranter describe web -o json | jq -r .logs.output"}},
        .run = run_describe,
        .aliases = {"desc", "info", "show"},
    };
}

Command app_env_command() {
    return {
        .name = "env",
        .summary = "show the environment of an app of `tranter up`",
        .description =
            "The variables that its processes start with, by name. Those of one instance have its "
            "number in them.",
        .positionals = {app_argument},
        .options = {show_secrets, text_or_json()},
        .examples = {{"one variable", "tranter env web -o json | jq -r .NODE_ENV"}},
        .run = run_env,
    };
}

}  // namespace tranter::cli
