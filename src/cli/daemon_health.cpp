#include "cli/daemon_health.hpp"

#include "admin/exposition.hpp"

#include <fmt/format.h>

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace tranter::cli {
namespace {

using admin::Exposition;
using supervise::InstanceView;
using supervise::State;
using Type = Exposition::Type;

/// It is told once a second.
constexpr Duration silence_max = std::chrono::seconds(5);
constexpr std::array<std::string_view, DaemonService::reasons> reason_names{
    "exit", "signal", "oom", "liveness", "watch", "memory", "manual"};

std::size_t count_open_files(pid_t pid) {
    std::error_code failed;
    std::size_t count = 0;
    for (std::filesystem::directory_iterator entry(fmt::format("/proc/{}/fd", pid), failed), end;
         !failed && entry != end;
         entry.increment(failed))
        ++count;
    return count;
}

/// The reason of a run's end, by the first change that tells of it.
std::optional<DaemonService::Reason> reason_of(const supervise::Event& event) {
    using Reason = DaemonService::Reason;
    const std::string_view cause = event.cause;
    if (event.to == State::unhealthy) {
        return cause.starts_with("memory") ? Reason::memory : Reason::liveness;
    }
    if (event.to == State::stopping) {
        // A path may have anything in it.
        if (cause.starts_with("watch: ")) return Reason::watch;
        if (cause.find("by hand") != std::string_view::npos) return Reason::manual;
        return std::nullopt;
    }
    if (!event.ending) return std::nullopt;
    if (cause.find("memory") != std::string_view::npos) return Reason::oom;
    return event.ending->signal != 0 ? Reason::signal : Reason::exit;
}

}  // namespace

class DaemonService::DaemonLook final : public Look {
  public:
    DaemonLook(Snapshot snapshot, Instant now) : snapshot_(std::move(snapshot)), now_(now) {}

    bool is_stuck() const override { return now_ - snapshot_.at > silence_max; }

    std::vector<admin::HealthCheck> checks() const override {
        admin::HealthCheck apps{.name = "apps"};
        for (const auto& [view, open_files] : snapshot_.instances) {
            const bool is_well = view.state == State::ready || view.state == State::completed ||
                                 view.state == State::stopped;
            if (is_well) continue;
            apps.health = admin::Health::fail;
            apps.reason += fmt::format(
                "{}{}:{} is {}",
                apps.reason.empty() ? "" : ", ",
                view.id.app,
                view.id.number,
                name_of(view.state)
            );
        }
        admin::HealthCheck loop{.name = "loop"};
        if (is_stuck()) {
            loop.health = admin::Health::fail;
            loop.reason = "stuck";
        }
        return {std::move(apps), std::move(loop)};
    }

    void write_figures(JsonWriter& json) const override {
        json.key("apps").begin_array();
        for (const auto& [view, open_files] : snapshot_.instances) {
            json.begin_object();
            json.member("app", view.id.app).member("instance", view.id.number);
            json.member("state", name_of(view.state)).member("pid", std::int64_t{view.pid});
            json.member("restarts", view.restarts).end_object();
        }
        json.end_array();
    }

    void render(Exposition& out, bool is_up) const override {
        out.figure("tranter_up_ready", Type::gauge, "1 while all apps are well.", is_up ? 1 : 0);
        render_restarts(out);
        render_each(
            out,
            "tranter_app_up",
            Type::gauge,
            "1 while it has a process.",
            [](const Instance& it) { return it.view.pid > 0 ? 1.0 : 0.0; }
        );
        render_each(
            out,
            "tranter_app_ready",
            Type::gauge,
            "1 while it is ready.",
            [](const Instance& it) { return it.view.state == State::ready ? 1.0 : 0.0; }
        );
        const auto uptime = [this](const Instance& it) {
            if (it.view.pid <= 0) return 0.0;
            return std::chrono::duration<double>(now_ - it.view.started_at).count();
        };
        render_each(
            out, "tranter_app_uptime_seconds", Type::gauge, "Since its latest start.", uptime
        );
        render_each(
            out,
            "tranter_app_cpu_seconds_total",
            Type::counter,
            "Processor time of all its processes since its latest start.",
            [](const Instance& it) { return static_cast<double>(it.view.use.cpu_micros) / 1e6; }
        );
        render_each(
            out,
            "tranter_app_memory_bytes",
            Type::gauge,
            "Resident memory of all its processes.",
            [](const Instance& it) { return static_cast<double>(it.view.use.memory_bytes); }
        );
        render_each(
            out,
            "tranter_app_open_fds",
            Type::gauge,
            "Of its leader.",
            [](const Instance& it) { return static_cast<double>(it.open_files); }
        );
        render_each(
            out,
            "tranter_app_last_exit_code",
            Type::gauge,
            "Of its latest end, 128 and the signal for one by a signal.",
            [](const Instance& it) {
                const auto ending = it.view.last_ending.value_or(supervise::Ending{});
                return ending.signal != 0 ? 128.0 + ending.signal : ending.code;
            }
        );
        render_each(
            out,
            "tranter_app_log_bytes_total",
            Type::counter,
            "What it has printed.",
            [](const Instance& it) { return static_cast<double>(it.view.log_bytes); }
        );
        render_each(
            out,
            "tranter_app_log_dropped_lines_total",
            Type::counter,
            "Lines that the disk was too slow for.",
            [](const Instance& it) { return static_cast<double>(it.view.log_lines_dropped); }
        );
    }

  private:
    void render_restarts(Exposition& out) const {
        constexpr std::string_view name = "tranter_app_restarts_total";
        out.header(name, Type::counter, "Restarts of all instances, by what ended them.");
        for (std::size_t i = 0; i < reasons; ++i) {
            const auto count = static_cast<double>(snapshot_.restarts.at(i));
            out.sample(name, {{"reason", reason_names.at(i)}}, count);
        }
    }

    template <class Value>
    void render_each(
        Exposition& out, std::string_view name, Type type, std::string_view help, Value value
    ) const {
        out.header(name, type, help);
        for (const Instance& one : snapshot_.instances) {
            const std::string number = std::to_string(one.view.id.number);
            out.sample(name, {{"app", one.view.id.app}, {"instance", number}}, value(one));
        }
    }

    const Snapshot snapshot_;
    const Instant now_;
};

DaemonService::DaemonService(const Clock& clock)
    : RoleService(TRANTER_VERSION, SteadyClock::wall_clock()), clock_(clock) {
    snapshot_.at = clock.now();
}

void DaemonService::see(const supervise::Event& event) {
    const std::lock_guard lock(mutex_);
    if (event.kind != supervise::Event::Kind::change) return;
    if (event.to == State::starting) {
        const auto found = ending_.find(event.id);
        if (found == ending_.end()) return;
        ++snapshot_.restarts.at(static_cast<std::size_t>(found->second));
        ending_.erase(found);
    } else if (const auto reason = reason_of(event)) {
        ending_.try_emplace(event.id, *reason);
    } else if (event.to == State::stopped || event.to == State::errored) {
        ending_.erase(event.id);
    }
}

void DaemonService::set_instances(std::vector<InstanceView> instances) {
    std::vector<Instance> measured;
    for (InstanceView& view : instances) {
        const std::size_t open_files = view.pid > 0 ? count_open_files(view.pid) : 0;
        measured.push_back({.view = std::move(view), .open_files = open_files});
    }
    const std::lock_guard lock(mutex_);
    snapshot_.instances = std::move(measured);
    snapshot_.at = clock_.now();
}

std::unique_ptr<admin::RoleService::Look> DaemonService::look() const {
    const std::lock_guard lock(mutex_);
    return std::make_unique<DaemonLook>(snapshot_, clock_.now());
}

}  // namespace tranter::cli
