#include "admin/worker_service.hpp"

#include "admin/connection_metrics.hpp"
#include "admin/exposition.hpp"
#include "admin/job_metrics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

struct OutcomeCount {
    std::string_view name;
    std::uint64_t WorkerCounts::*member;
};

constexpr std::array outcome_counts{
    OutcomeCount{"completed", &WorkerCounts::completed},
    OutcomeCount{"failed", &WorkerCounts::failed},
    OutcomeCount{"dead", &WorkerCounts::dead},
    OutcomeCount{"snoozed", &WorkerCounts::snoozed},
    OutcomeCount{"released", &WorkerCounts::released},
    OutcomeCount{"cancelled", &WorkerCounts::cancelled},
    OutcomeCount{"lost", &WorkerCounts::lost},
};

void render_outcomes(Exposition& out, const WorkerCounts& counts) {
    constexpr std::string_view name = "tranter_worker_attempts_total";
    out.header(name, Type::counter, "Attempts by how they ended.");
    for (const OutcomeCount& outcome : outcome_counts) {
        out.sample(name, {{"outcome", outcome.name}}, static_cast<double>(counts.*outcome.member));
    }
}

void render_calls(Exposition& out, const WorkerMetrics& metrics) {
    constexpr std::string_view polls = "tranter_worker_poll_duration_seconds";
    out.header(polls, Type::histogram, "Calls for jobs, with the time that they wait for some.");
    const DurationBuckets& buckets = metrics.poll_duration;
    out.histogram(polls, {}, duration_bounds, buckets.counts, buckets.sum);
    constexpr std::string_view heartbeat = "tranter_worker_last_heartbeat_timestamp_seconds";
    out.header(heartbeat, Type::gauge, "When the store last answered, 0 before it ever did.");
    const auto last = metrics.last_answer.value_or(TimePoint()).time_since_epoch();
    out.sample(heartbeat, {}, std::chrono::duration<double>(last).count());
    constexpr std::string_view extensions = "tranter_job_lease_extensions_total";
    out.figure(
        extensions,
        Type::counter,
        "Leases that were renewed.",
        static_cast<double>(metrics.lease_extensions)
    );
}

void render_slots(Exposition& out, const WorkerFigures& figures, unsigned concurrency) {
    out.header("tranter_worker_slots", Type::gauge, "Handlers that can run at a time, by state.");
    const auto busy = static_cast<double>(figures.running);
    const double idle = std::max(0.0, concurrency - busy);
    out.sample("tranter_worker_slots", {{"state", "busy"}}, busy);
    out.sample("tranter_worker_slots", {{"state", "idle"}}, idle);
    constexpr std::string_view saturation = "tranter_worker_saturation_ratio";
    out.figure(saturation, Type::gauge, "Busy slots of all.", busy / std::max(1U, concurrency));
}

}  // namespace

class WorkerService::WorkerLook final : public Look {
  public:
    WorkerLook(const WorkerServiceOptions& options, double shutdown_seconds)
        : options_(options), figures_(options.figures()), shutdown_seconds_(shutdown_seconds) {}

    bool is_stuck() const override { return figures_.stuck; }

    std::vector<HealthCheck> checks() const override {
        HealthCheck fetching{.name = "fetch_loop"};
        if (figures_.stuck) {
            fetching.health = Health::fail;
            fetching.reason = "stuck";
        }
        HealthCheck store{.name = "store"};
        if (!figures_.receiving) {
            store.health = Health::fail;
            store.reason = figures_.missing_queues.empty() ? "the provider does not answer"
                                                           : figures_.missing_queues.front();
        } else if (!figures_.failing.empty()) {
            store.health = figures_.storing ? Health::degraded : Health::fail;
            store.reason = figures_.failing;
        }
        if (figures_.latency) store.latency_ms = static_cast<double>(figures_.latency->count());
        store.last_error = figures_.last_error;
        if (figures_.last_error_at) store.last_error_at = time_of_check(*figures_.last_error_at);
        return {std::move(fetching), std::move(store)};
    }

    void write_figures(JsonWriter& json) const override {
        json.member("worker", options_.worker);
        json.member("running", std::uint64_t{figures_.running});
        json.member("waiting", std::uint64_t{figures_.waiting});
        json.member("concurrency", std::uint64_t{options_.concurrency});
        json.key("attempts").begin_object();
        for (const OutcomeCount& outcome : outcome_counts)
            json.member(outcome.name, figures_.counts.*outcome.member);
        json.end_object();
    }

    void render(Exposition& out, bool is_up) const override {
        out.figure(
            "tranter_worker_up",
            Type::gauge,
            "1 while the worker receives jobs and their outcomes are stored.",
            is_up ? 1 : 0
        );
        render_slots(out, figures_, options_.concurrency);
        out.figure(
            "tranter_worker_jobs_waiting",
            Type::gauge,
            "Jobs received and not begun.",
            static_cast<double>(figures_.waiting)
        );
        out.figure(
            "tranter_worker_shutdown_duration_seconds",
            Type::gauge,
            "How long the worker has been stopping, 0 while it works.",
            shutdown_seconds_
        );
        render_outcomes(out, figures_.counts);
        const WorkerMetrics metrics = options_.metrics();
        render_calls(out, metrics);
        render_jobs(out, metrics.jobs);
        if (metrics.connections) {
            const StoreConnections jobs{.store = "jobs", .counts = *metrics.connections};
            render_connections(out, {&jobs, 1});
        }
        if (options_.spans) render_spans(out, options_.spans());
    }

  private:
    const WorkerServiceOptions& options_;
    const WorkerFigures figures_;
    const double shutdown_seconds_;
};

WorkerService::WorkerService(WorkerServiceOptions options, Instant started)
    : RoleService(options.version, started), options_(std::move(options)) {}

std::unique_ptr<RoleService::Look> WorkerService::look() const {
    return std::make_unique<WorkerLook>(options_, shutdown_seconds());
}

}  // namespace tranter::admin
