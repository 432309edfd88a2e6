#pragma once

#include "base/error_names.hpp"
#include "control/client.hpp"
#include "control/request.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

/// What the protocol calls the members of what it carries: the only place, for both directions.
/// Each structure is taken apart as a whole, so that one that gets a member does not compile before
/// that has a name here.
namespace tranter::control {

template <class T, class Of>
concept Is = std::same_as<std::remove_const_t<T>, Of>;

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Ending> auto& ending) {
    auto& [code, signal] = ending;
    visit("code", code);
    visit("signal", signal);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::RestartRule> auto& rule) {
    auto& [when, stop_exit_codes, max, window, delay, delay_max, factor, jitter, min_uptime] = rule;
    visit("when", when);
    visit("stop_exit_codes", stop_exit_codes);
    visit("max", max);
    visit("window", window);
    visit("delay", delay);
    visit("delay_max", delay_max);
    visit("factor", factor);
    visit("jitter", jitter);
    visit("min_uptime", min_uptime);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Probe> auto& probe) {
    auto& [kind, target, command, delay, period, timeout, failures_max] = probe;
    visit("kind", kind);
    visit("target", target);
    visit("command", command);
    visit("delay", delay);
    visit("period", period);
    visit("timeout", timeout);
    visit("failures_max", failures_max);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Readiness> auto& readiness) {
    auto& [probe, limit] = readiness;
    visit("probe", probe);
    visit("limit", limit);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::StopRule> auto& rule) {
    auto& [signal, leader_only, by_message, timeout] = rule;
    visit("signal", signal);
    visit("leader_only", leader_only);
    visit("by_message", by_message);
    visit("timeout", timeout);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Dependency> auto& dependency) {
    auto& [app, condition, restarts_with_it] = dependency;
    visit("app", app);
    visit("condition", condition);
    visit("restarts_with_it", restarts_with_it);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::LogRule> auto& rule) {
    auto& [output, errors, combined, bytes_max, files_max, age_max, compress, json, time_format] =
        rule;
    visit("output", output);
    visit("errors", errors);
    visit("combined", combined);
    visit("bytes_max", bytes_max);
    visit("files_max", files_max);
    visit("age_max", age_max);
    visit("compress", compress);
    visit("json", json);
    visit("time_format", time_format);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Limits> auto& limits) {
    auto& [memory_bytes, open_files, processes, cpus, user, group, umask, nice] = limits;
    visit("memory_bytes", memory_bytes);
    visit("open_files", open_files);
    visit("processes", processes);
    visit("cpus", cpus);
    visit("user", user);
    visit("group", group);
    visit("umask", umask);
    visit("nice", nice);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::App> auto& app) {
    // It does not divide them.
    // clang-format off
    auto& [name, space, type, command, directory, environment, inherits_environment,
           hidden_variables, number_variable, increment_variable, pid_file, instances,
           starts_by_itself, depends_on, restart, readiness, liveness, stop, logs, limits,
           reloads_at_once, restart_cron, watched, unwatched, watch_delay] = app;
    // clang-format on
    visit("name", name);
    visit("namespace", space);
    visit("type", type);
    visit("command", command);
    visit("directory", directory);
    visit("environment", environment);
    visit("inherits_environment", inherits_environment);
    visit("hidden_variables", hidden_variables);
    visit("number_variable", number_variable);
    visit("increment_variable", increment_variable);
    visit("pid_file", pid_file);
    visit("instances", instances);
    visit("starts_by_itself", starts_by_itself);
    visit("depends_on", depends_on);
    visit("restart", restart);
    visit("readiness", readiness);
    visit("liveness", liveness);
    visit("stop", stop);
    visit("logs", logs);
    visit("limits", limits);
    visit("reloads_at_once", reloads_at_once);
    visit("restart_cron", restart_cron);
    visit("watched", watched);
    visit("unwatched", unwatched);
    visit("watch_delay", watch_delay);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::InstanceId> auto& id) {
    auto& [app, number] = id;
    visit("app", app);
    visit("number", number);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::ResourceUse> auto& use) {
    auto& [memory_bytes, cpu_micros, processes] = use;
    visit("memory_bytes", memory_bytes);
    visit("cpu_micros", cpu_micros);
    visit("processes", processes);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::InstanceView> auto& view) {
    // It does not divide them.
    // clang-format off
    auto& [key, id, own_number, space, state, pid, started_at, restarts, unstable_restarts,
           last_ending, use, cpu_share, log_bytes, log_lines_dropped, note] = view;
    // clang-format on
    visit("key", key);
    visit("id", id);
    visit("own_number", own_number);
    visit("namespace", space);
    visit("state", state);
    visit("pid", pid);
    visit("started_at", started_at);
    visit("restarts", restarts);
    visit("unstable_restarts", unstable_restarts);
    visit("last_ending", last_ending);
    visit("use", use);
    visit("cpu_share", cpu_share);
    visit("log_bytes", log_bytes);
    visit("log_lines_dropped", log_lines_dropped);
    visit("note", note);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::Event> auto& event) {
    auto& [number, kind, id, from, to, at, cause, ending] = event;
    visit("number", number);
    visit("kind", kind);
    visit("id", id);
    visit("from", from);
    visit("to", to);
    visit("at", at);
    visit("cause", cause);
    visit("ending", ending);
}

template <class Visit>
void visit_members(Visit& visit, Is<supervise::OutputLine> auto& line) {
    auto& [id, is_errors, at, text] = line;
    visit("id", id);
    visit("is_errors", is_errors);
    visit("at", at);
    visit("text", text);
}

template <class Visit>
void visit_members(Visit& visit, Is<DaemonView> auto& view) {
    auto& [pid, version, started_at, memory_bytes, home, file] = view;
    visit("pid", pid);
    visit("version", version);
    visit("started_at", started_at);
    visit("memory_bytes", memory_bytes);
    visit("home", home);
    visit("file", file);
}

template <class Visit>
void visit_members(Visit& visit, Is<Order> auto& order) {
    auto& [kind, targets, count, waits, limit] = order;
    visit("kind", kind);
    visit("targets", targets);
    visit("count", count);
    visit("waits", waits);
    visit("limit", limit);
}

template <class Visit>
void visit_members(Visit& visit, Is<Request> auto& request) {
    auto& [id, call, targets, after, file, apps, order] = request;
    visit("id", id);
    visit("call", call);
    visit("targets", targets);
    visit("after", after);
    visit("file", file);
    visit("apps", apps);
    visit("order", order);
}

/// What the values of an enumeration are called, from 0 on.
template <class Enum>
struct EnumNames;

template <>
struct EnumNames<supervise::RestartWhen> {
    static constexpr std::array<std::string_view, 3> all{"never", "on_failure", "always"};
};
template <>
struct EnumNames<supervise::Probe::Kind> {
    static constexpr std::array<std::string_view, 9> all{
        "none", "uptime", "notify", "ipc", "descriptor", "tcp", "http", "exec", "log_line"};
};
template <>
struct EnumNames<supervise::Dependency::Condition> {
    static constexpr std::array<std::string_view, 4> all{
        "started", "ready", "completed", "completed_successfully"};
};
template <>
struct EnumNames<supervise::AppType> {
    static constexpr std::array<std::string_view, 2> all{"service", "oneshot"};
};
template <>
struct EnumNames<supervise::Event::Kind> {
    static constexpr std::array<std::string_view, 4> all{"change", "reloaded", "removed", "watch"};
};
template <>
struct EnumNames<Order::Kind> {
    static constexpr std::array<std::string_view, 9> all{
        "start", "stop", "restart", "reload", "remove", "scale", "signal", "reset", "flush_logs"};
};
template <>
struct EnumNames<Errc> {
    static constexpr auto all = error_names;
};
template <>
struct EnumNames<supervise::State> {
    static inline const std::array<std::string_view, 10> all = [] {
        std::array<std::string_view, 10> names;
        for (std::size_t i = 0; i < names.size(); ++i)
            names.at(i) = name_of(static_cast<supervise::State>(i));
        return names;
    }();
};

}  // namespace tranter::control
