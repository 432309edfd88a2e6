#include "cli/config_write.hpp"

#include "cli/config_codec.hpp"
#include "cli/config_keys.hpp"
#include "cli/toml_config.hpp"

#include <fmt/format.h>

#include <iterator>
#include <span>

namespace tranter::cli {
namespace {

// Tables of server keys are headers, those of queue keys stay on one line: a queue is read best
// as one block.
void write_server(std::string& out, const ServerConfig& config) {
    const ServerConfig defaults;
    std::string_view open_table;
    for (const ServerKey& key : server_keys()) {
        const std::string value = key.write(config);
        if (value == key.write(defaults)) continue;
        const std::size_t dot = key.path.rfind('.');
        if (dot == std::string_view::npos) {
            fmt::format_to(std::back_inserter(out), "{} = {}\n", key.path, value);
            continue;
        }
        const std::string_view table = key.path.substr(0, dot);
        if (table != open_table) {
            fmt::format_to(std::back_inserter(out), "{}[{}]\n", out.empty() ? "" : "\n", table);
            open_table = table;
        }
        fmt::format_to(std::back_inserter(out), "{} = {}\n", key.path.substr(dot + 1), value);
    }
}

void write_queue(std::string& out, const std::string& header, const QueueConfig& queue) {
    QueueConfig defaults;
    defaults.fifo = queue.name.ends_with(".fifo");
    fmt::format_to(std::back_inserter(out), "{}[{}]\n", out.empty() ? "" : "\n", header);
    for (const QueueKey& key : queue_keys()) {
        const std::string value = key.write(queue);
        if (value == key.write(defaults) && !queue.written.paths.contains(key.path)) continue;
        fmt::format_to(std::back_inserter(out), "{} = {}\n", key.path, value);
    }
}

template <class Config>
void write_table(
    std::string& out,
    std::string_view tables,
    const std::string& name,
    std::span<const ConfigKey<Config>> keys,
    const Config& config
) {
    const Config defaults;
    fmt::format_to(
        std::back_inserter(out), "{}[{}.{}]\n", out.empty() ? "" : "\n", tables, toml_key(name)
    );
    for (const ConfigKey<Config>& key : keys) {
        const std::string value = key.write(config);
        if (value == key.write(defaults)) continue;
        fmt::format_to(std::back_inserter(out), "{} = {}\n", key.path, value);
    }
}

}  // namespace

void write_app(std::string& out, const AppConfig& app) {
    write_table(out, "apps", app.name, app_keys(), app);
}

std::string write_toml_config(const ServerConfig& config) {
    std::string out;
    write_server(out, config);
    if (config.auto_create_template != QueueConfig{}) {
        write_queue(out, "queue_template", config.auto_create_template);
    }
    for (const QueueConfig& queue : config.queues) {
        write_queue(out, fmt::format("queues.{}", toml_key(queue.name)), queue);
    }
    for (const HandlerConfig& handler : config.handlers)
        write_table(out, "handlers", handler.type, handler_keys(), handler);
    for (const ScheduleConfig& schedule : config.schedules)
        write_table(out, "schedules", schedule.name, schedule_keys(), schedule);
    for (const AppConfig& app : config.apps)
        write_app(out, app);
    return out;
}

}  // namespace tranter::cli
