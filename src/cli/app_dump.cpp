#include "cli/app_client.hpp"
#include "cli/app_verbs.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"
#include "cli/up_apply.hpp"
#include "control/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::cli {
namespace {

using supervise::App;

/// As they run now: an app that was stopped by hand is not started by resurrect.
Result<std::vector<App>> apps_as_they_are(control::Client& client) {
    auto apps = client.apps();
    if (!apps) return apps;
    const auto instances = client.instances();
    if (!instances) return std::unexpected(instances.error());
    for (App& app : *apps) {
        app.starts_by_itself = std::ranges::any_of(*instances, [&](const auto& view) {
            return view.id.app == app.name && view.state != supervise::State::stopped;
        });
    }
    return apps;
}

Result<int> run_save(const Arguments& arguments) {
    const auto home = own_home();
    if (!home) return std::unexpected(home.error());
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    const auto apps = apps_as_they_are(*client);
    if (!apps) return std::unexpected(apps.error());
    if (apps->empty() && !arguments.is_on("force")) {
        say("there are no apps; --force saves that");
        return static_cast<int>(ExitCode::failed);
    }
    if (auto old = read_file(home->dump_file()); old) {
        auto kept = replace_file(home->dump_file() + ".bak", *old);
        if (!kept) return std::unexpected(kept.error());
    }
    const auto written = replace_file(home->dump_file(), control::write_apps(*apps));
    if (!written) return std::unexpected(written.error());
    write_all(
        STDOUT_FILENO, fmt::format("{} apps are saved in {}\n", apps->size(), home->dump_file())
    );
    return static_cast<int>(ExitCode::ok);
}

Result<int> run_resurrect(const Arguments& arguments) {
    const auto limit = wait_limit(arguments);
    if (!limit) return std::unexpected(limit.error());
    const auto home = own_home();
    if (!home) return std::unexpected(home.error());
    const auto text = read_file(home->dump_file());
    if (!text) return std::unexpected(text.error());
    auto apps = control::read_apps(*text);
    if (!apps) {
        return fail(
            apps.error().code(), fmt::format("{}: {}", home->dump_file(), apps.error().message())
        );
    }
    auto client = connect_or_launch(*home, {});
    if (!client) return std::unexpected(client.error());
    const auto applied = apply_apps(*client, *apps, {.file = home->dump_file(), .limit = *limit});
    if (applied) return static_cast<int>(ExitCode::ok);
    say(applied.error().message());
    return static_cast<int>(ExitCode::failed);
}

}  // namespace

Command save_command() {
    return {
        .name = "save",
        .summary = "remember the apps that run, for `tranter resurrect`",
        .description =
            "With their environment, so dump.json in $TRANTER_HOME is for its owner "
            "alone. The one before\nstays as dump.json.bak.",
        .options = {{.name = "force", .value = "", .help = "also when there are no apps"}},
        .examples = {{"before the machine is started anew", "tranter save"}},
        .run = run_save,
        .aliases = {"dump"},
    };
}

Command resurrect_command() {
    return {
        .name = "resurrect",
        .summary = "start the apps that `tranter save` has remembered",
        .description =
            "Starts a daemon when none runs. What runs already stays as it is, so there "
            "are never two copies.",
        .options = {wait_limit_option()},
        .examples = {{"after the machine was started", "tranter resurrect"}},
        .run = run_resurrect,
    };
}

}  // namespace tranter::cli
