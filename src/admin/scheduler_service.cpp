#include "admin/scheduler_service.hpp"

#include "admin/scheduler_metrics.hpp"
#include "base/duration.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

HealthCheck check_loop(const SchedulerHealth& health) {
    HealthCheck check{.name = "loop"};
    if (health.runs && !health.stuck) return check;
    check.health = Health::fail;
    check.reason = health.stuck ? "stuck" : "does not run";
    return check;
}

HealthCheck check_schedule_store(const SchedulerHealth& health) {
    HealthCheck check{.name = "store", .last_error = health.last_error};
    if (!health.store_answers) {
        check.health = Health::fail;
        check.reason = "the store of schedules does not answer";
    }
    if (health.store_latency) check.latency_ms = static_cast<double>(health.store_latency->count());
    if (health.last_error_at) check.last_error_at = time_of_check(*health.last_error_at);
    return check;
}

HealthCheck check_lateness(const SchedulerMetrics& metrics, Milliseconds late_after) {
    HealthCheck check{.name = "lateness"};
    if (!metrics.next || metrics.next->late <= late_after) return check;
    check.health = Health::degraded;
    const auto late = std::chrono::floor<std::chrono::seconds>(metrics.next->late);
    check.reason = fmt::format("{} is overdue by {}", metrics.next->name, format_duration(late));
    return check;
}

}  // namespace

class SchedulerService::SchedulerLook final : public Look {
  public:
    explicit SchedulerLook(const SchedulerServiceOptions& options)
        : options_(options), metrics_(options.metrics()), health_(options.health()) {}

    bool is_stuck() const override { return health_.stuck; }

    std::vector<HealthCheck> checks() const override {
        return {
            check_loop(health_),
            check_schedule_store(health_),
            check_lateness(metrics_, options_.late_after)};
    }

    void write_figures(JsonWriter& json) const override {
        json.member("scheduler", options_.scheduler);
        json.member("store", health_.store);
        json.member("time_zone_data", metrics_.time_zone_data);
        json.key("leads").begin_object();
        if (options_.recurring) json.member("schedule", metrics_.leads_schedules);
        if (options_.timers) json.member("timers", metrics_.leads_timers);
        json.end_object();
        if (options_.recurring) {
            json.member("schedules", metrics_.enabled);
            json.member("paused", metrics_.paused);
            json.member("due", metrics_.due);
        }
        if (options_.timers) {
            json.member("timers_waiting", metrics_.timers_waiting);
            json.member("timers_due", metrics_.timers_due);
        }
        if (!metrics_.next) return;
        json.key("next").begin_object();
        json.member("name", metrics_.next->name);
        json.member("due", time_of_check(metrics_.next->due));
        json.member("late_ms", static_cast<std::uint64_t>(metrics_.next->late.count()));
        json.end_object();
    }

    void render(Exposition& out, bool is_up) const override {
        out.figure(
            "tranter_scheduler_up",
            Type::gauge,
            "1 while the scheduler works and its store answers.",
            is_up
        );
        constexpr std::string_view leader = "tranter_scheduler_leader";
        out.header(leader, Type::gauge, "1 while this scheduler does the work of all.");
        if (options_.recurring) {
            out.sample(leader, {{"role", "schedule"}}, metrics_.leads_schedules ? 1 : 0);
        }
        if (options_.timers) {
            out.sample(leader, {{"role", "timers"}}, metrics_.leads_timers ? 1 : 0);
        }
        out.figure(
            "tranter_scheduler_overdue_seconds",
            Type::gauge,
            "How late that is which has waited the longest, 0 when nothing is due.",
            metrics_.next ? std::chrono::duration<double>(metrics_.next->late).count() : 0
        );
        constexpr std::string_view zones = "tranter_scheduler_tzdata_info";
        out.header(zones, Type::info, "Always 1; the data about time zones that are in use.");
        out.sample(zones, {{"version", metrics_.time_zone_data}}, 1);
        if (options_.recurring) render_schedules(out, metrics_);
        if (options_.timers) render_timers(out, metrics_);
        render_schedule_store(out, metrics_, health_);
    }

  private:
    const SchedulerServiceOptions& options_;
    const SchedulerMetrics metrics_;
    const SchedulerHealth health_;
};

SchedulerService::SchedulerService(SchedulerServiceOptions options, Instant started)
    : RoleService(options.version, started), options_(std::move(options)) {}

std::unique_ptr<RoleService::Look> SchedulerService::look() const {
    return std::make_unique<SchedulerLook>(options_);
}

}  // namespace tranter::admin
