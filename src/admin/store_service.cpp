#include "admin/store_service.hpp"

#include "admin/jobs_reply.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

constexpr std::string_view store_index_text =
    "GET /livez /readyz /startupz /health /api/health /api/health/ready\n"
    "GET /metrics\n"
    "GET /v1/openapi.json describes the Jobs API\n";

struct QueueCounter {
    std::string_view name;
    std::string_view help;
    std::uint64_t QueueStats::*member;
};

constexpr std::array queue_counters{
    QueueCounter{"tranter_jobs_completed_total", "Jobs completed.", &QueueStats::completed},
    QueueCounter{"tranter_jobs_failed_total", "Attempts that failed.", &QueueStats::failed},
    QueueCounter{
        "tranter_jobs_dead_total", "Jobs that failed and have no attempt left.", &QueueStats::dead},
    QueueCounter{
        "tranter_jobs_cancelled_total",
        "Jobs that were cancelled or came to their deadline.",
        &QueueStats::cancelled},
};

double age_seconds(const QueueStats& queue) {
    return std::chrono::duration<double>(queue.oldest_pending.value_or(Milliseconds(0))).count();
}

void render_store_queues(Exposition& out, const std::vector<QueueStats>& queues) {
    constexpr std::string_view messages = "tranter_queue_messages";
    out.header(messages, Type::gauge, "Messages in a queue by state.");
    for (const QueueStats& queue : queues) {
        const auto state = [&](std::string_view name, std::uint64_t count) {
            const auto value = static_cast<double>(count);
            out.sample(messages, {{"queue", queue.queue}, {"state", name}}, value);
        };
        state("visible", queue.pending);
        state("inflight", queue.processing);
        state("delayed", queue.scheduled);
    }
    constexpr std::string_view age = "tranter_queue_oldest_age_seconds";
    out.header(age, Type::gauge, "Age of the oldest message that waits, 0 when there is none.");
    for (const QueueStats& queue : queues)
        out.sample(age, {{"queue", queue.queue}}, age_seconds(queue));
    constexpr std::string_view paused = "tranter_queue_paused";
    out.header(paused, Type::gauge, "1 while a queue hands out no jobs.");
    for (const QueueStats& queue : queues)
        out.sample(paused, {{"queue", queue.queue}}, queue.paused ? 1 : 0);
    for (const QueueCounter& counter : queue_counters) {
        out.header(counter.name, Type::counter, counter.help);
        for (const QueueStats& queue : queues) {
            const auto value = static_cast<double>(queue.*counter.member);
            out.sample(counter.name, {{"queue", queue.queue}}, value);
        }
    }
}

}  // namespace

/// Never stuck: what does not come back is the store's, and a restart would not help that.
class StoreService::StoreHealth final : public RoleService {
  public:
    StoreHealth(const StoreServiceOptions& options, Instant started)
        : RoleService(options.version, started), options_(options) {}

  private:
    class StoreLook final : public Look {
      public:
        explicit StoreLook(const StoreServiceOptions& options)
            : options_(options), state_(options.state()) {}

        bool is_stuck() const override { return false; }

        std::vector<HealthCheck> checks() const override {
            HealthCheck store{.name = "store", .last_error = state_->last_error};
            if (!store.last_error.empty()) {
                store.last_error_at = time_of_check(state_->last_error_at);
            }
            if (state_->answers) {
                store.latency_ms = static_cast<double>(state_->latency.count());
            } else {
                store.health = Health::fail;
                store.reason = "the store does not answer";
            }
            return {std::move(store)};
        }

        void write_figures(JsonWriter& json) const override {
            json.member("store", options_.store);
            json.member("queues", state_->queues.size());
        }

        void render(Exposition& out, bool is_up) const override {
            out.figure(
                "tranter_store_up",
                Type::gauge,
                "1 while the server works and its store answers.",
                is_up
            );
            render_store_queues(out, state_->queues);
            if (const auto counts = options_.connections()) {
                const StoreConnections jobs{"jobs", *counts};
                render_connections(out, std::span(&jobs, 1));
            }
        }

      private:
        const StoreServiceOptions& options_;
        const std::shared_ptr<const StoreProbe::State> state_;
    };

    std::unique_ptr<Look> look() const override { return std::make_unique<StoreLook>(options_); }

    const StoreServiceOptions& options_;
};

StoreService::StoreService(StoreServiceOptions options, JobsApi& jobs, Instant started)
    : options_(std::move(options)),
      jobs_(jobs),
      health_(std::make_unique<StoreHealth>(options_, started)),
      gate_(options_.token) {}

StoreService::~StoreService() = default;

void StoreService::handle(const http::Request& request, http::Exchange exchange) const {
    const bool is_index = request.path == "/";
    const bool is_closed = is_index || request.path == "/metrics" || JobsApi::owns(request.path);
    if (is_closed) {
        if (auto refused = refusal(gate_.check(request))) {
            std::move(exchange).respond(std::move(*refused));
            return;
        }
    }
    if (JobsApi::owns(request.path)) {
        jobs_.handle(request, std::move(exchange));
    } else if (is_index && (request.method == "GET" || request.method == "HEAD")) {
        std::move(exchange).respond(
            health_reply(200, "text/plain; charset=utf-8", std::string(store_index_text))
        );
    } else {
        health_->handle(request, std::move(exchange));
    }
}

void StoreService::set_draining() {
    health_->set_draining();
}

}  // namespace tranter::admin
