#include "appfile/pm2_context.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::appfile {
namespace {

constexpr std::string_view known_keys[] = {
    "script",
    "exec",
    "cmd",
    "command",
    "name",
    "name_prefix",
    "append_env_to_name",
    "namespace",
    "cwd",
    "args",
    "interpreter",
    "exec_interpreter",
    "interpreter_args",
    "interpreterArgs",
    "node_args",
    "exec_mode",
    "instances",
    "instance_var",
    "increment_var",
    "env",
    "filter_env",
    "port",
    "autostart",
    "autorestart",
    "stop_exit_codes",
    "max_restarts",
    "min_uptime",
    "restart_delay",
    "exp_backoff_restart_delay",
    "max_memory_restart",
    "kill_timeout",
    "shutdown_with_message",
    "treekill",
    "wait_ready",
    "listen_timeout",
    "watch",
    "ignore_watch",
    "watch_delay",
    "cron_restart",
    "cron",
    "out_file",
    "out",
    "output",
    "out_log",
    "error_file",
    "error",
    "err",
    "err_file",
    "err_log",
    "log_file",
    "log",
    "merge_logs",
    "combine_logs",
    "log_date_format",
    "time",
    "log_type",
    "disable_logs",
    "pid_file",
    "pid",
    "uid",
    "user",
    "gid",
    "force"};

/// They mean something to PM2's cluster mode, its services or its own bookkeeping.
constexpr std::string_view ignored_keys[] = {
    "source_map_support",
    "disable_source_map_support",
    "vizion",
    "pmx",
    "automation",
    "trace",
    "disable_trace",
    "v8",
    "io",
    "deep_monitoring",
    "post_update",
    "deploy",
    "kill_retry_time",
    "watch_options",
    "km_link"};

bool is_in(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

void remark_on_keys(const Fields& fields, const Pm2Context& context) {
    for (const Member& member : fields.object()) {
        const std::string& key = member.key;
        if (is_in(known_keys, key) || key.starts_with("env_")) continue;
        if (is_in(ignored_keys, key)) {
            if (context.ignored_keys != nullptr) context.ignored_keys->insert(key);
            continue;
        }
        const std::string_view nearest = find_nearest(key, known_keys);
        const std::string name = printable(key, 60);
        context.remark(
            fields,
            name,
            nearest.empty() ? "unknown key, which is not read"
                            : fmt::format("unknown key, the nearest is {}", nearest)
        );
    }
}

}  // namespace tranter::appfile
