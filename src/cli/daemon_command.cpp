#include "cli/daemon_command.hpp"

#include "base/log.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_leftovers.hpp"
#include "cli/log_flags.hpp"
#include "cli/server_config.hpp"

#include <utility>

namespace tranter::cli {
namespace {

Result<int> run_daemon_command(const Arguments& arguments) {
    const auto ready_fd = arguments.integer("ready-fd", {.min = 0, .max = 1'048'576});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    ServerConfig config;
    if (auto done = apply_environment(config, environment_variables()); !done) {
        return std::unexpected(done.error());
    }
    start_logging(config.log);
    DaemonOptions options;
    auto listen = read_listen(arguments, config.up_listen);
    if (!listen) return std::unexpected(listen.error());
    options.health = *listen;
    auto home = own_home();
    if (!home) return std::unexpected(home.error());
    options.home = std::move(*home);
    if (auto made = make_home(options.home); !made) return std::unexpected(made.error());
    auto lock = lock_home(options.home);
    if (!lock) return std::unexpected(lock.error());
    options.lock = std::move(*lock);
    if (auto left = clear_leftovers(options.home); !left) return std::unexpected(left.error());
    if (*ready_fd) options.ready_fd = static_cast<int>(**ready_fd);
    return run_daemon(std::move(options));
}

}  // namespace

Option listen_option() {
    return {
        .name = "listen",
        .value = "ADDR:PORT",
        .help = "where health and metrics of all apps listen (default: up.listen, or nowhere)"};
}

Result<HealthServerOptions> read_listen(
    const Arguments& arguments, const std::optional<Endpoint>& otherwise
) {
    const auto text = arguments.find("listen");
    if (!text) return HealthServerOptions{.endpoint = otherwise};
    auto endpoint = parse_endpoint(*text);
    if (!endpoint) return fail(Errc::invalid_argument, "--listen: " + endpoint.error().message());
    return HealthServerOptions{.endpoint = std::move(*endpoint)};
}

Command daemon_command() {
    return {
        .name = "daemon",
        .summary = "what `tranter up` starts, without apps",
        .description =
            "Waits for the commands that start apps, `tranter up` above all, in $TRANTER_HOME or "
            "~/.tranter.\nThere is one for each of these. SIGTERM and SIGINT stop all apps and "
            "then the daemon, SIGHUP opens\nlog files anew.",
        .options =
            {listen_option(),
             {.name = "ready-fd",
              .value = "N",
              .help = "write a line to this file descriptor once commands are answered"}},
        .examples = {{"under an init system", "tranter daemon --listen 127.0.0.1:9326"}},
        .run = run_daemon_command,
    };
}

}  // namespace tranter::cli
