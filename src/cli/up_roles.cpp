#include "cli/up_roles.hpp"

#include "appfile/load.hpp"
#include "base/descriptor.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/role_ending.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

using supervise::App;
using supervise::Probe;

constexpr std::string_view space_of_roles = "tranter";
/// A large data directory is read before the server is ready.
constexpr Duration recovery_limit = std::chrono::minutes(10);

constexpr std::string_view demo_text =
    R"(# Written by `tranter up`, which was started where there is no file for it. It is yours now:
# `tranter up` reads it, and does not write it again. docs/configuration.md explains the keys.

[server]
data = "{data}"

[worker]
queues = ["demo"]

[handlers."demo:hello"]
exec = ["/bin/sh", "-c", "echo hello, this is job $TRANTER_JOB_ID"]

[schedules.demo]
every = "5s"
queue = "demo"
type = "demo:hello"
payload = {{ name = "world" }}
)";

App role_app(std::string name, std::string_view command, const std::string& path) {
    App app;
    app.name = std::move(name);
    app.space = space_of_roles;
    app.command = {own_program(), std::string(command)};
    if (!path.empty()) app.command.insert(app.command.end(), {"--config", path});
    app.directory = path.empty() ? "/" : std::filesystem::path(path).parent_path().string();
    app.readiness = {.probe = {.kind = Probe::Kind::notify}, .limit = std::chrono::minutes(1)};
    app.restart.delay = {};
    // A role is wanted for good: what it fails for may be over in an hour.
    app.restart.max = 0;
    return app;
}

/// Wherever it listens, which may be on all addresses.
std::string local_host(const std::string& host) {
    if (host == "0.0.0.0") return "127.0.0.1";
    if (host == "::") return "::1";
    return host;
}

bool is_taken(const Endpoint& endpoint) {
    sockaddr_storage address{};
    socklen_t size = 0;
    const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
    auto* const four = reinterpret_cast<sockaddr_in*>(&address);
    auto* const six = reinterpret_cast<sockaddr_in6*>(&address);
    if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(endpoint.port);
        size = sizeof *four;
    } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(endpoint.port);
        size = sizeof *six;
    } else {
        return false;
    }
    const Descriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
           errno == EADDRINUSE;
}

App server_app(const ServerConfig& config, const std::string& path) {
    App app = role_app("server", "serve", path);
    app.readiness.limit = recovery_limit;
    app.liveness = server_liveness(config);
    app.stop.timeout = ending_limit("serve", config);
    // Two cannot have the same ports and the same data.
    app.reloads_at_once = 0;
    return app;
}

}  // namespace

std::string local_url(const Endpoint& endpoint) {
    Endpoint local = endpoint;
    local.host = local_host(endpoint.host);
    return "http://" + format_endpoint(local);
}

std::vector<App> role_apps(
    const ServerConfig& config,
    const std::string& path,
    const control::Home& home,
    const std::vector<std::string>& environment
) {
    std::vector<App> apps;
    std::vector<std::string> provider;
    const bool has_server = config.provider.empty() || config.provider == local_url(config.admin);
    if (has_server) {
        apps.push_back(server_app(config, path));
        provider = {"--provider", local_url(config.admin)};
    }
    const auto add = [&](App app) {
        app.command.insert(app.command.end(), provider.begin(), provider.end());
        if (has_server) app.depends_on = {{.app = "server"}};
        apps.push_back(std::move(app));
    };
    if (!config.handlers.empty()) {
        App worker = role_app("worker", "work", path);
        worker.stop.timeout = ending_limit("work", config);
        add(std::move(worker));
    }
    add(role_app("scheduler", "schedule", path));
    add(role_app("timers", "timers", path));
    for (App& app : apps)
        appfile::complete(app, environment, home.logs());
    return apps;
}

Result<> check_server_ports(const ServerConfig& config) {
    const auto check = [](const Endpoint& endpoint, bool enabled, std::string_view key
                       ) -> Result<> {
        if (!enabled || endpoint.port == 0 || !is_taken(endpoint)) return {};
        return fail(
            Errc::conflict,
            fmt::format(
                "{} is taken by another program, {} in tranter.toml or ${} names another address",
                format_endpoint(endpoint),
                key,
                key == "server.sqs" ? "TRANTER_SQS" : "TRANTER_ADMIN"
            )
        );
    };
    if (auto sqs = check(config.sqs, config.sqs_enabled, "server.sqs"); !sqs) return sqs;
    return check(config.admin, config.admin_enabled, "server.admin");
}

Result<std::string> make_demo_config(const control::Home& home) {
    std::string path = home.directory + "/tranter.toml";
    if (::access(path.c_str(), F_OK) == 0) return path;
    std::string data;
    for (const char c : home.data()) {
        if (c == '"' || c == '\\') data += '\\';
        data += c;
    }
    auto written = replace_file(path, fmt::format(demo_text, fmt::arg("data", data)));
    if (!written) return std::unexpected(written.error());
    return path;
}

}  // namespace tranter::cli
