#include "appfile/load.hpp"
#include "cli/app_client.hpp"
#include "cli/app_verbs.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/exit_code.hpp"
#include "cli/json.hpp"
#include "cli/terminal.hpp"
#include "cli/up_apply.hpp"
#include "cli/up_plan.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace tranter::cli {
namespace {

constexpr int max_instances_shown = 10'000;

bool is_file_of_apps(const std::string& word) {
    return (appfile::is_app_file(word) || word.ends_with(".toml")) &&
           ::access(word.c_str(), F_OK) == 0;
}

/// What PM2 would have in an ecosystem file for it.
Result<Json> describe_script(const Arguments& arguments, const std::vector<std::string>& words) {
    const auto instances = arguments.integer("instances", {.min = 0, .max = max_instances_shown});
    const bool is_max = arguments.text("instances") == "max";
    if (!instances && !is_max) return std::unexpected(instances.error());
    Json app;
    app.set("script", words.front());
    const std::filesystem::path path(words.front());
    app.set("name", arguments.find("name").value_or(path.stem().string()));
    if (words.size() > 1) {
        Json args{Json::Array()};
        for (std::size_t i = 1; i < words.size(); ++i)
            args.push(words[i]);
        app.set("args", std::move(args));
    }
    if (is_max) app.set("instances", "max");
    if (instances && *instances) app.set("instances", **instances);
    const auto pass = [&](std::string_view option, std::string_view key) {
        if (const auto value = arguments.find(option)) app.set(key, *value);
    };
    pass("cwd", "cwd");
    pass("interpreter", "interpreter");
    pass("namespace", "namespace");
    pass("max-memory-restart", "max_memory_restart");
    pass("cron-restart", "cron_restart");
    if (arguments.is_on("watch")) app.set("watch", true);
    if (arguments.is_on("no-autorestart")) app.set("autorestart", false);
    return app;
}

/// Through a file, because that is what the rules of PM2 are applied to.
Result<std::vector<supervise::App>> script_app(
    const Arguments& arguments, const control::Home& home, const std::vector<std::string>& words
) {
    const auto described = describe_script(arguments, words);
    if (!described) return std::unexpected(described.error());
    Json apps;
    apps.push(*described);
    Json file;
    file.set("apps", std::move(apps));
    const std::string path = fmt::format("{}/start-{}.json", home.runtime(), ::getpid());
    if (auto written = replace_file(path, file.dump(), Outlives::process); !written) {
        return std::unexpected(written.error());
    }
    auto loaded = appfile::load(
        {.path = path,
         .directory = std::filesystem::current_path().string(),
         .environment = environment_with(home),
         .logs_directory = home.logs(),
         .home = home.directory}
    );
    ::unlink(path.c_str());
    if (loaded) return std::move(loaded->apps);
    // The file is not one that anybody knows.
    std::string text = loaded.error().message();
    if (text.starts_with(path)) text.erase(0, text.find(": ") + 2);
    return fail(loaded.error().code(), std::move(text));
}

Result<std::vector<supervise::App>> apps_to_start(
    const Arguments& arguments, const control::Home& home, const std::vector<std::string>& words
) {
    if (!is_file_of_apps(words.front())) return script_app(arguments, home, words);
    if (words.size() > 1) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} is a file of apps, nothing can follow it", words.front())
        );
    }
    auto plan = plan_up(
        {.home = home,
         .environment = environment_variables(),
         .file = words.front(),
         .environment_name = arguments.text("env")}
    );
    if (!plan) return std::unexpected(plan.error());
    for (const std::string& remark : plan->remarks)
        say(remark);
    return std::move(plan->apps);
}

/// Nothing: they are no names of apps.
std::optional<Result<int>> start_known(
    const control::Home& home, const std::vector<std::string>& words, Duration limit
) {
    auto client = control::Client::connect(home.socket());
    if (!client) return std::nullopt;
    const auto given =
        client->give({.kind = control::Order::Kind::start, .targets = words, .limit = limit});
    if (given) return static_cast<int>(ExitCode::ok);
    const bool is_script = ::access(words.front().c_str(), F_OK) == 0;
    if (given.error().code() == Errc::not_found && is_script) return std::nullopt;
    if (given.error().code() == Errc::not_found) return std::unexpected(given.error());
    say(given.error().message());
    return static_cast<int>(ExitCode::failed);
}

Result<int> run_start(const Arguments& arguments) {
    const auto limit = wait_limit(arguments);
    if (!limit) return std::unexpected(limit.error());
    const auto home = own_home();
    if (!home) return std::unexpected(home.error());
    if (auto made = make_home(*home); !made) return std::unexpected(made.error());
    const auto words = arguments.list("WHAT");
    if (!is_file_of_apps(words.front())) {
        if (auto started = start_known(*home, words, *limit)) return std::move(*started);
    }
    const auto apps = apps_to_start(arguments, *home, words);
    if (!apps) return std::unexpected(apps.error());
    auto client = connect_or_launch(*home, {});
    if (!client) return std::unexpected(client.error());
    const auto applied =
        apply_apps(*client, *apps, {.waits = !arguments.is_on("no-wait"), .limit = *limit});
    if (applied) return static_cast<int>(ExitCode::ok);
    say(applied.error().message());
    return static_cast<int>(ExitCode::failed);
}

}  // namespace

Command start_command() {
    return {
        .name = "start",
        .summary = "start apps: by name, of a file, or a program",
        .description =
            "WHAT is a name of an app, a namespace, a key or all; a file as `tranter up` reads "
            "them; or a program,\nwhose arguments follow --. A script is run by what its extension "
            "says, as PM2 does it. Returns\nwhen they are ready.",
        .positionals =
            {{.name = "WHAT",
              .help = "apps, a file, or a program and its arguments",
              .repeated = true,
              .completes = Completes::files}},
        .options =
            {{.name = "name", .value = "NAME", .help = "of the app (default: that of the script)"},
             {.name = "instances",
              .value = "N",
              .help = "how many of it, max is one per core (default: 1)",
              .letter = 'i'},
             {.name = "cwd", .value = "DIR", .help = "where it runs (default: here)"},
             {.name = "interpreter",
              .value = "PROGRAM",
              .help = "what runs the script, none for itself (default: by extension)"},
             {.name = "namespace", .value = "NAME", .help = "of the app (default: default)"},
             {.name = "max-memory-restart",
              .value = "SIZE",
              .help = "restart it when it has more than this, such as 200M"},
             {.name = "cron-restart", .value = "CRON", .help = "restart it at these times"},
             {.name = "watch", .value = "", .help = "restart it when its files change"},
             {.name = "no-autorestart", .value = "", .help = "leave it when it has ended"},
             {.name = "env", .value = "NAME", .help = "of a file, env_NAME of each app over env"},
             {.name = "no-wait", .value = "", .help = "return before it is ready"},
             wait_limit_option()},
        .examples =
            {{"a script, twice", "tranter start worker.js --name worker -i 2 -- --verbose"},
             {"an app that was stopped", "tranter start worker"}},
        .run = run_start,
    };
}

}  // namespace tranter::cli
