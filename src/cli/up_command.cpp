#include "cli/up_command.hpp"

#include "base/log.hpp"
#include "cli/app_client.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon.hpp"
#include "cli/daemon_command.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/daemon_leftovers.hpp"
#include "cli/exit_code.hpp"
#include "cli/log_flags.hpp"
#include "cli/output.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"
#include "cli/up_apply.hpp"
#include "cli/up_plan.hpp"
#include "cli/up_roles.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

constexpr Duration up_limit = std::chrono::seconds(60);
constexpr Duration daemon_end_patience = std::chrono::seconds(10);

std::vector<std::string> split_at_commas(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

Result<UpPlan> plan_of(const Arguments& arguments, const control::Home& home) {
    return plan_up(
        {.home = home,
         .environment = environment_variables(),
         .file = arguments.text("FILE"),
         .environment_name = arguments.text("env"),
         .only = split_at_commas(arguments.text("only"))}
    );
}

bool is_running(const std::string& app, const std::vector<supervise::InstanceView>& instances) {
    return std::ranges::any_of(instances, [&](const supervise::InstanceView& view) {
        return view.id.app == app && view.pid > 0;
    });
}

/// A port that somebody else has would make the server fail again and again, which is harder to
/// understand.
Result<> check_ports(const UpPlan& plan, const std::vector<supervise::InstanceView>& instances) {
    const bool has_server = std::ranges::any_of(plan.apps, [](const supervise::App& app) {
        return app.name == "server";
    });
    if (!plan.config || !has_server || is_running("server", instances)) return {};
    return check_server_ports(*plan.config);
}

Json record_of(const supervise::InstanceView& view) {
    Json record;
    record.set("app", view.id.app).set("instance", view.id.number);
    record.set("state", name_of(view.state)).set("pid", view.pid).set("restarts", view.restarts);
    record.set("note", view.note);
    return record;
}

/// What it says at the end: each app, and where everything is.
void report(
    const Arguments& arguments,
    const UpPlan& plan,
    const control::Home& home,
    const std::vector<supervise::InstanceView>& instances
) {
    Output output(stdout_options(arguments));
    std::vector<std::pair<std::string_view, std::string>> places;
    if (plan.config && plan.config->sqs_enabled && plan.config->sqs.port != 0) {
        places.emplace_back("sqs", local_url(plan.config->sqs));
    }
    if (plan.config && plan.config->admin_enabled && plan.config->admin.port != 0) {
        places.emplace_back("jobs", local_url(plan.config->admin));
    }
    places.emplace_back("logs", home.logs());
    const auto is_ours = [&](const supervise::InstanceView& view) {
        return std::ranges::find(plan.apps, view.id.app, &supervise::App::name) != plan.apps.end();
    };
    if (!output.is_table()) {
        Json apps{Json::Array()};
        for (const auto& view : instances)
            if (is_ours(view)) apps.push(record_of(view));
        Json record;
        record.set("file", plan.file).set("apps", std::move(apps));
        for (const auto& [name, place] : places)
            record.set(name, place);
        return output.one(record);
    }
    output.begin(
        {{"app", "APP"},
         {"instance", "NUMBER"},
         {"state", "STATE"},
         {"pid", "PID"},
         {"note", "NOTE"}}
    );
    for (const auto& view : instances)
        if (is_ours(view)) output.row(record_of(view));
    output.end();
    std::string text = "\n";
    for (const auto& [name, place] : places) {
        const std::string_view what = name == "sqs"    ? "SQS endpoint"
                                      : name == "jobs" ? "jobs and health"
                                                       : "logs";
        text += fmt::format("{:<16} {}\n", what, place);
    }
    text +=
        "\n`tranter ps` shows the apps, `tranter logs` what they print, `tranter down` ends "
        "all\n";
    write_all(STDOUT_FILENO, text);
}

Result<int> up_in_foreground(const Arguments& arguments, const control::Home& home) {
    ServerConfig config;
    if (auto done = apply_environment(config, environment_variables()); !done) {
        return std::unexpected(done.error());
    }
    start_logging(config.log);
    DaemonOptions options{.home = home, .foreground = true};
    if (auto listen = read_listen(arguments); !listen) return std::unexpected(listen.error());
    if (auto made = make_home(home); !made) return std::unexpected(made.error());
    auto lock = lock_home(home);
    if (!lock) return std::unexpected(lock.error());
    options.lock = std::move(*lock);
    auto plan = plan_of(arguments, home);
    if (!plan) return std::unexpected(plan.error());
    for (const std::string& remark : plan->remarks)
        say(remark);
    if (auto left = clear_leftovers(home); !left) {
        return std::unexpected(left.error());
    }
    if (auto free = check_ports(*plan, {}); !free) return std::unexpected(free.error());
    auto listen = read_listen(arguments, (plan->config ? *plan->config : config).up_listen);
    if (!listen) return std::unexpected(listen.error());
    options.health = *listen;
    options.apps = std::move(plan->apps);
    options.file = std::move(plan->file);
    return run_daemon(std::move(options));
}

Result<int> run_up(const Arguments& arguments) {
    const auto home = own_home();
    if (!home) return std::unexpected(home.error());
    if (arguments.is_on("foreground")) return up_in_foreground(arguments, *home);
    const auto limit = arguments.duration("timeout");
    if (!limit) return std::unexpected(limit.error());
    if (auto listen = read_listen(arguments); !listen) return std::unexpected(listen.error());
    if (auto made = make_home(*home); !made) return std::unexpected(made.error());
    const auto plan = plan_of(arguments, *home);
    if (!plan) return std::unexpected(plan.error());
    for (const std::string& remark : plan->remarks)
        say(remark);

    std::vector<std::string> flags;
    const auto listen =
        read_listen(arguments, plan->config ? plan->config->up_listen : std::nullopt);
    if (!listen) return std::unexpected(listen.error());
    if (listen->endpoint) flags = {"--listen", format_endpoint(*listen->endpoint)};
    const bool was_there = control::Client::connect(home->socket()).has_value();
    if (was_there && arguments.find("listen"))
        say("the daemon runs already, so --listen changes nothing");
    auto client = connect_or_launch(*home, flags);
    if (!client) return std::unexpected(client.error());
    auto instances = client->instances();
    if (!instances) return std::unexpected(instances.error());
    // Only now has everything ended that the last daemon left, which may have had these ports.
    if (auto free = check_ports(*plan, *instances); !free) {
        if (!was_there && instances->empty()) std::ignore = client->shut_down();
        return std::unexpected(free.error());
    }
    const auto applied = apply_apps(
        *client,
        plan->apps,
        {.file = plan->file,
         .waits = !arguments.is_on("no-wait"),
         .limit = limit->value_or(up_limit)}
    );
    if (!applied && applied.error().code() == Errc::invalid_argument) {
        return std::unexpected(applied.error());
    }
    instances = client->instances();
    if (!instances) return std::unexpected(instances.error());
    report(arguments, *plan, *home, *instances);
    if (applied) return static_cast<int>(ExitCode::ok);
    say(applied.error().message());
    return static_cast<int>(ExitCode::failed);
}

Result<int> run_down(const Arguments& /*arguments*/) {
    auto client = connect_to_apps();
    if (!client && client.error().code() == Errc::unavailable) {
        say("nothing to end, no daemon runs");
        return static_cast<int>(ExitCode::ok);
    }
    if (!client) return std::unexpected(client.error());
    const auto daemon = client->daemon();
    if (!daemon) return std::unexpected(daemon.error());
    const auto ended = client->shut_down();
    wait_for_process(daemon->pid, daemon_end_patience);
    // Told to end by somebody else as well, it may be gone before it could answer.
    if (ended || ended.error().code() == Errc::unavailable) return static_cast<int>(ExitCode::ok);
    say(ended.error().message());
    return static_cast<int>(ExitCode::failed);
}

}  // namespace

Command up_command() {
    return {
        .name = "up",
        .summary = "start everything that a file names, and keep it running",
        .description =
            "FILE is a tranter.toml, an ecosystem file of PM2 (.js, .cjs, .mjs, .json, .yaml) or a "
            "Procfile.\nWithout one it is what there is of these in the current directory, or else "
            "a server, a worker and a\nscheduler with a job for demonstration. Returns when all "
            "apps are ready, and a daemon keeps them\nrunning; or says which failed, with status "
            "1. A second time it starts what is new, restarts what\nhas changed and leaves the "
            "rest alone. State and logs are in $TRANTER_HOME or ~/.tranter.",
        .positionals =
            {{.name = "FILE",
              .help = "which apps to run (default: what is in the current directory)",
              .required = false,
              .completes = Completes::files}},
        .options =
            {{.name = "foreground",
              .value = "",
              .help = "stay, print what apps print, and end when none runs; for containers"},
             {.name = "only",
              .value = "A,B",
              .help = "these apps and what they depend on (default: all)"},
             {.name = "env",
              .value = "NAME",
              .help = "of an ecosystem file, env_NAME of each app over env"},
             {.name = "no-wait", .value = "", .help = "return before the apps are ready"},
             {.name = "timeout",
              .value = "DURATION",
              .help = "how long to wait for them (default: 60s)"},
             listen_option(),
             output_option({"table", "json"})},
        .examples =
            {{"all that there is, with a job for demonstration", "tranter up"},
             {"a project of PM2", "tranter up ecosystem.config.cjs"},
             {"in a container", "tranter up --foreground"}},
        .run = run_up,
    };
}

Command down_command() {
    return {
        .name = "down",
        .summary = "stop all apps and the daemon of `tranter up`",
        .description =
            "Apps are stopped in the opposite order of their start. Returns when nothing is left.",
        .examples = {{"the end", "tranter down"}},
        .run = run_down,
    };
}

}  // namespace tranter::cli
