#include "cli/app_view.hpp"

#include "base/secrets.hpp"
#include "cli/short_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

namespace tranter::cli {

namespace {

constexpr std::string_view hidden_value = "[redacted]";
constexpr std::string_view number_mark = "{number}";

}  // namespace

Ink ink_of(supervise::State state) {
    using supervise::State;
    switch (state) {
        case State::ready:
            return Ink::good;
        case State::waiting:
        case State::starting:
        case State::exited:
        case State::stopping:
        case State::backoff:
            return Ink::busy;
        case State::unhealthy:
        case State::errored:
            return Ink::bad;
        case State::stopped:
        case State::completed:
            break;
    }
    return Ink::faint;
}

bool has_process(const supervise::InstanceView& instance) {
    return instance.pid > 0;
}

std::optional<Duration> uptime_of(const supervise::InstanceView& instance, Instant now) {
    if (!has_process(instance)) return std::nullopt;
    return std::max(now - instance.started_at, Duration::zero());
}

std::string label_of(const supervise::InstanceId& id) {
    return fmt::format("{}:{}", id.app, id.number);
}

std::string ending_text(const supervise::Ending& ending) {
    if (ending.signal == 0) return fmt::format("code {}", ending.code);
    const char* name = ::sigabbrev_np(ending.signal);
    if (name == nullptr) return fmt::format("signal {}", ending.signal);
    return fmt::format("signal SIG{}", name);
}

std::string path_for(std::string_view path, std::uint32_t number) {
    std::string out;
    while (true) {
        const std::size_t mark = path.find(number_mark);
        out += path.substr(0, mark);
        if (mark == std::string_view::npos) return out;
        out += std::to_string(number);
        path.remove_prefix(mark + number_mark.size());
    }
}

std::span<const FittedColumn> instance_columns() {
    static constexpr std::array<FittedColumn, 10> columns{{
        {.heading = "KEY", .leaves = 2, .is_number = true},
        {.heading = "NAME", .width_min = 12},
        {.heading = "NAMESPACE", .leaves = 9, .width_min = 7},
        {.heading = "STATE", .width_min = 9},
        {.heading = "PID", .leaves = 7, .is_number = true},
        {.heading = "UPTIME", .leaves = 3, .is_number = true},
        {.heading = "RESTARTS", .leaves = 4, .is_number = true},
        {.heading = "CPU", .leaves = 6, .is_number = true},
        {.heading = "MEMORY", .leaves = 5, .is_number = true},
        {.heading = "NOTE", .leaves = 8, .width_min = 10},
    }};
    return columns;
}

FittedRow instance_row(const supervise::InstanceView& instance, Instant now) {
    const bool runs = has_process(instance);
    const auto uptime = uptime_of(instance, now);
    const auto if_runs = [runs](std::string text) {
        return runs ? FittedCell{std::move(text)} : FittedCell{"-", Ink::faint};
    };
    return {
        {std::to_string(instance.key)},
        {instance.id.app},
        {instance.space},
        {std::string(name_of(instance.state)), ink_of(instance.state)},
        if_runs(std::to_string(instance.pid)),
        if_runs(short_duration(uptime.value_or(Duration::zero()))),
        {std::to_string(instance.restarts)},
        if_runs(short_percent(instance.cpu_share)),
        if_runs(short_size(instance.use.memory_bytes)),
        {instance.note},
    };
}

std::string visible_value(std::string_view name, std::string_view value, Secrets secrets) {
    if (secrets == Secrets::shown || value.empty()) return std::string(value);
    if (is_secret_setting(name)) return std::string(hidden_value);
    return without_secrets(value, is_secret_setting);
}

std::vector<std::pair<std::string, std::string>> visible_environment(
    const supervise::App& app, Secrets secrets
) {
    std::map<std::string, std::string> by_name;
    for (const auto& [name, value] : app.environment)
        by_name[name] = visible_value(name, value, secrets);
    return {by_name.begin(), by_name.end()};
}

std::vector<std::string> visible_command(const supervise::App& app, Secrets secrets) {
    if (secrets == Secrets::shown) return app.command;
    std::vector<std::string> words;
    bool is_value = false;  // of the option before it
    for (const std::string& word : app.command) {
        words.push_back(
            is_value ? std::string(hidden_value) : without_secrets(word, is_secret_setting)
        );
        const bool is_option = word.starts_with('-') && word.find('=') == std::string::npos;
        is_value = is_option && is_secret_setting(word);
    }
    return words;
}

}  // namespace tranter::cli
