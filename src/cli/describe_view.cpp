#include "cli/describe_view.hpp"

#include "base/duration.hpp"
#include "base/size.hpp"
#include "base/unicode.hpp"
#include "cli/job_record.hpp"
#include "cli/short_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

using supervise::App;
using supervise::Dependency;
using supervise::InstanceView;
using supervise::Probe;
using supervise::RestartRule;
using supervise::RestartWhen;

/// Lines of a name and what is said about it.
class Facts {
  public:
    void add(std::string_view name, std::string text) {
        if (!text.empty()) facts_.emplace_back(name, std::move(text));
    }

    std::string text(std::string_view indent) const {
        std::size_t width = 0;
        for (const auto& [name, fact] : facts_)
            width = std::max(width, columns_of(printable(name)));
        std::string out;
        for (const auto& [name, fact] : facts_) {
            const std::string shown = printable(name);
            out += fmt::format(
                "{}{}{:{}}  {}\n", indent, shown, "", width - columns_of(shown), printable(fact)
            );
        }
        return out;
    }

  private:
    std::vector<std::pair<std::string, std::string>> facts_{};
};

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name == nullptr ? std::to_string(signal) : fmt::format("SIG{}", name);
}

std::string stop_text(const supervise::StopRule& rule) {
    std::string text = rule.by_message ? "the message \"shutdown\"" : signal_name(rule.signal);
    if (rule.leader_only) text += " to its first process alone";
    return fmt::format("{}, killed after {}", text, format_duration(rule.timeout));
}

std::string_view condition_name(Dependency::Condition condition) {
    switch (condition) {
        case Dependency::Condition::started:
            return "started";
        case Dependency::Condition::ready:
            return "ready";
        case Dependency::Condition::completed:
            return "completed";
        case Dependency::Condition::completed_successfully:
            break;
    }
    return "completed_successfully";
}

std::string dependencies_text(const App& app) {
    std::vector<std::string> parts;
    for (const Dependency& dependency : app.depends_on) {
        parts.push_back(fmt::format("{} ({})", dependency.app, condition_name(dependency.condition))
        );
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string limits_text(const supervise::Limits& limits) {
    std::vector<std::string> parts;
    if (limits.memory_bytes != 0) parts.push_back("memory " + format_size(limits.memory_bytes));
    if (limits.cpus != 0) parts.push_back(fmt::format("{} processors", limits.cpus));
    if (limits.processes != 0) parts.push_back(fmt::format("{} processes", limits.processes));
    if (limits.open_files != 0) parts.push_back(fmt::format("{} open files", limits.open_files));
    if (limits.nice != 0) parts.push_back(fmt::format("nice {}", limits.nice));
    if (limits.umask >= 0) parts.push_back(fmt::format("umask {:03o}", limits.umask));
    if (!limits.user.empty()) parts.push_back("user " + limits.user);
    if (!limits.group.empty()) parts.push_back("group " + limits.group);
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string rotation_text(const supervise::LogRule& logs) {
    if (logs.bytes_max == 0 && logs.age_max == Duration::zero()) return "never";
    std::vector<std::string> parts;
    if (logs.bytes_max != 0) parts.push_back("at " + format_size(logs.bytes_max));
    if (logs.age_max != Duration::zero()) parts.push_back("after " + format_duration(logs.age_max));
    return fmt::format("{}, {} older kept", fmt::join(parts, " or "), logs.files_max);
}

std::string probe_text(const Probe& probe) {
    switch (probe.kind) {
        case Probe::Kind::none:
            break;
        case Probe::Kind::uptime:
            return "when it has lived";
        case Probe::Kind::notify:
            return "when it says READY=1 (sd_notify)";
        case Probe::Kind::ipc:
            return "when it sends the message \"ready\"";
        case Probe::Kind::descriptor:
            return fmt::format("when it writes a newline to descriptor {}", probe.target);
        case Probe::Kind::tcp:
            return fmt::format("when {} can be connected to", probe.target);
        case Probe::Kind::http:
            return fmt::format("when {} answers", probe.target);
        case Probe::Kind::exec:
            return fmt::format("when `{}` succeeds", fmt::join(probe.command, " "));
        case Probe::Kind::log_line:
            return fmt::format("when it prints a line that matches {}", probe.target);
    }
    return "at once";
}

std::string restart_text(const RestartRule& rule) {
    if (rule.when == RestartWhen::never) return "never";
    std::string text = rule.when == RestartWhen::always ? "always" : "on failure";
    if (!rule.stop_exit_codes.empty())
        text += fmt::format(", not after code {}", fmt::join(rule.stop_exit_codes, ", "));
    if (rule.max == 0) {
        text += ", never given up";
    } else if (rule.window != Duration::zero()) {
        text +=
            fmt::format(", given up after {} within {}", rule.max, format_duration(rule.window));
    } else {
        text += fmt::format(
            ", given up after {} in succession that lived less than {}",
            rule.max,
            format_duration(rule.min_uptime)
        );
    }
    if (rule.delay != Duration::zero()) text += ", after " + format_duration(rule.delay);
    return text;
}

std::string readiness_text(const supervise::Readiness& readiness, const RestartRule& restart) {
    std::string text = probe_text(readiness.probe);
    if (readiness.probe.kind == Probe::Kind::uptime)
        text += " " + format_duration(restart.min_uptime);
    if (readiness.limit != Duration::zero() && readiness.probe.kind != Probe::Kind::none)
        text += fmt::format(", within {}", format_duration(readiness.limit));
    return text;
}

std::string app_text(const App& app, Secrets secrets) {
    const auto command = visible_command(app, secrets);
    Facts facts;
    facts.add("name", app.name);
    facts.add("namespace", app.space);
    facts.add("type", app.type == supervise::AppType::oneshot ? "oneshot" : "service");
    facts.add("command", fmt::format("{}", fmt::join(command, " ")));
    facts.add("directory", app.directory);
    facts.add("instances", std::to_string(app.instances));
    facts.add("starts by itself", app.starts_by_itself ? "" : "no");
    facts.add("depends on", dependencies_text(app));
    facts.add("restarts", restart_text(app.restart));
    facts.add("restarted by cron", app.restart_cron);
    facts.add("watches", fmt::format("{}", fmt::join(app.watched, ", ")));
    facts.add("is ready", readiness_text(app.readiness, app.restart));
    if (app.liveness.kind != Probe::Kind::none) facts.add("is well", probe_text(app.liveness));
    facts.add("stops by", stop_text(app.stop));
    facts.add("limits", limits_text(app.limits));
    facts.add("output", app.logs.output);
    facts.add("errors", app.logs.errors);
    facts.add("combined log", app.logs.combined);
    facts.add("rotates", rotation_text(app.logs));
    facts.add("pid file", app.pid_file);
    return facts.text("");
}

std::string instance_text(const InstanceView& instance, Instant now) {
    const auto uptime = uptime_of(instance, now);
    Facts facts;
    facts.add("key", std::to_string(instance.key));
    facts.add("state", std::string(name_of(instance.state)));
    facts.add("note", instance.note);
    if (uptime) {
        facts.add("pid", std::to_string(instance.pid));
        facts.add("processes", std::to_string(instance.use.processes));
        facts.add("memory", short_size(instance.use.memory_bytes));
        facts.add("cpu", short_percent(instance.cpu_share));
    }
    if (instance.started_at != Instant{}) {
        const std::string ago = uptime ? fmt::format(" ({})", short_duration(*uptime)) : "";
        facts.add(
            "started", time_cell(TimePoint(instance.started_at.time_since_epoch()), {}) + ago
        );
    }
    facts.add("restarts", std::to_string(instance.restarts));
    if (instance.unstable_restarts > 0)
        facts.add("unstable restarts", std::to_string(instance.unstable_restarts));
    if (instance.last_ending) facts.add("last end", ending_text(*instance.last_ending));
    facts.add("log", short_size(instance.log_bytes));
    if (instance.log_lines_dropped > 0)
        facts.add("lines dropped", std::to_string(instance.log_lines_dropped));
    return fmt::format("\n{}\n{}", printable(label_of(instance.id)), facts.text("  "));
}

std::string environment_text(const App& app, Secrets secrets) {
    const auto environment = visible_environment(app, secrets);
    if (environment.empty()) return {};
    std::string out = "\nenvironment\n";
    for (const auto& [name, value] : environment)
        out += fmt::format("  {}={}\n", printable(name), printable(value));
    return out;
}

}  // namespace

std::string describe_text(const DescribedApp& described, Secrets secrets, Instant now) {
    std::string out = app_text(described.app, secrets);
    for (const InstanceView& instance : described.instances)
        out += instance_text(instance, now);
    return out + environment_text(described.app, secrets);
}

}  // namespace tranter::cli
