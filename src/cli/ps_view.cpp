#include "cli/ps_view.hpp"

#include "cli/app_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

using supervise::App;
using supervise::InstanceView;
using supervise::RestartWhen;
using supervise::State;

/// PM2's word for it.
std::string_view pm2_status(State state) {
    switch (state) {
        case State::ready:
        case State::unhealthy:
            return "online";
        case State::waiting:
        case State::starting:
            return "launching";
        case State::exited:
        case State::stopping:
            return "stopping";
        case State::backoff:
            return "waiting restart";
        case State::errored:
            return "errored";
        case State::stopped:
        case State::completed:
            break;
    }
    return "stopped";
}

std::int64_t whole_millis(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// Null for a file that there is not.
Json path_or_null(const std::string& path, std::uint32_t number) {
    return path.empty() ? Json() : Json(path_for(path, number));
}

void add_app(Json& record, const App& app, std::uint32_t number) {
    const std::vector<std::string> command = visible_command(app, Secrets::hidden);
    Json::Array arguments;
    for (std::size_t i = 1; i < command.size(); ++i)
        arguments.emplace_back(command[i]);
    Json::Array codes;
    for (const int code : app.restart.stop_exit_codes)
        codes.emplace_back(code);
    Json::Object variables;
    for (auto& [name, value] : visible_environment(app, Secrets::hidden))
        variables.push_back({name, std::move(value)});
    record.set("pm_exec_path", command.empty() ? Json() : Json(command.front()))
        .set("args", std::move(arguments))
        .set("pm_cwd", app.directory)
        .set("pm_out_log_path", path_or_null(app.logs.output, number))
        .set("pm_err_log_path", path_or_null(app.logs.errors, number))
        .set("pm_log_path", path_or_null(app.logs.combined, number))
        .set("pm_pid_path", path_or_null(app.pid_file, number))
        .set("exec_mode", "fork_mode")
        .set("exec_interpreter", "none")
        .set("instances", app.instances)
        .set("instance_var", app.number_variable)
        .set("autorestart", app.restart.when == RestartWhen::always)
        .set("autostart", app.starts_by_itself)
        .set("stop_exit_codes", std::move(codes))
        .set("max_restarts", app.restart.max)
        .set("min_uptime", whole_millis(app.restart.min_uptime))
        .set("restart_delay", whole_millis(app.restart.delay))
        .set("kill_timeout", whole_millis(app.stop.timeout))
        .set("wait_ready", app.readiness.probe.kind == supervise::Probe::Kind::ipc)
        .set("listen_timeout", whole_millis(app.readiness.limit))
        .set("watch", !app.watched.empty())
        .set(
            "max_memory_restart",
            app.limits.memory_bytes == 0 ? Json() : Json(app.limits.memory_bytes)
        )
        .set("cron_restart", app.restart_cron.empty() ? Json() : Json(app.restart_cron))
        .set("env", std::move(variables));
}

Json pm2_env(const InstanceView& instance, const App* app) {
    const std::int64_t started = unix_millis(instance.started_at);
    Json record;
    record.set("name", instance.id.app)
        .set("namespace", instance.space)
        .set("pm_id", instance.key)
        .set("status", pm2_status(instance.state))
        .set("pm_uptime", started)
        .set("created_at", started)
        .set("restart_time", instance.restarts)
        .set("unstable_restarts", instance.unstable_restarts);
    if (instance.last_ending) record.set("exit_code", instance.last_ending->code);
    // What the program finds and writes to, also while it is replaced under another number.
    const std::uint32_t number = instance.own_number.value_or(instance.id.number);
    record.set("NODE_APP_INSTANCE", number)
        .set("unique_id", label_of(instance.id))
        .set("version", "N/A");
    if (app != nullptr) add_app(record, *app, number);
    return record;
}

}  // namespace

std::vector<std::string> ps_lines(
    std::span<const InstanceView> instances, const TableRoom& room, Instant now
) {
    std::vector<FittedRow> rows;
    rows.reserve(instances.size());
    for (const InstanceView& instance : instances)
        rows.push_back(instance_row(instance, now));
    return fitted_table(instance_columns(), rows, room);
}

std::string ps_table(std::span<const InstanceView> instances, const TableRoom& room, Instant now) {
    return fmt::format("{}\n", fmt::join(ps_lines(instances, room, now), "\n"));
}

Json jlist(std::span<const InstanceView> instances, std::span<const App> apps) {
    Json::Array list;
    for (const InstanceView& instance : instances) {
        const auto app = std::ranges::find(apps, instance.id.app, &App::name);
        Json monit;
        monit.set("memory", instance.use.memory_bytes)
            .set("cpu", std::round(instance.cpu_share * 1000) / 10);
        Json record;
        record.set("pid", instance.pid)
            .set("name", instance.id.app)
            .set("pm_id", instance.key)
            .set("monit", std::move(monit))
            .set("state", name_of(instance.state))
            .set("number", instance.id.number)
            .set("processes", instance.use.processes)
            .set("note", instance.note)
            .set("pm2_env", pm2_env(instance, app == apps.end() ? nullptr : &*app));
        list.push_back(std::move(record));
    }
    return list;
}

}  // namespace tranter::cli
