#pragma once

#include <tranter/client.hpp>
#include <tranter/worker.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What a program is told of its queues:
///
///     const auto telemetry = tranter::register_queue_telemetry(worker, {
///         .on_failed = [](const tranter::QueueEvent& event) { alert(event.error); }});
namespace tranter {

struct QueueEvent {
    enum class Kind : std::uint8_t {
        waiting,    // a job was enqueued
        completed,  // and so on: attempts of this worker
        failed,     // also: the job is dead
        stalled,    // its lease had ended, so another worker may have it
        error,      // a call to the store has failed
    };
    Kind kind = Kind::waiting;
    TimePoint at{};
    std::string queue{};   // empty: an error that is about no queue
    std::string job_id{};  // empty of an error, and so are the next two
    std::string job_type{};
    std::uint32_t attempt = 0;
    bool is_dead = false;  // failed: no further attempt
    std::string error_type{};
    std::string error{};
    std::optional<Milliseconds> duration{};  // of the handler
};

/// Since the registration.
struct QueueEventCounts {
    std::uint64_t waiting = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t stalled = 0;
    std::uint64_t errors = 0;

    bool operator==(const QueueEventCounts&) const = default;
};

struct QueueMetrics {
    TimePoint at{};
    QueueEventCounts counts{};
    std::vector<QueueStats> queues{};  // of the store, by name
    std::string error{};               // why the store did not tell; empty: it did
};

/// An event without a handler is a line of the log. Handlers are called from any thread of the
/// client or the worker, several at a time, and must not block. What they throw is logged.
struct QueueTelemetryOptions {
    using OnEvent = std::function<void(const QueueEvent&)>;

    OnEvent on_waiting{};
    OnEvent on_completed{};
    OnEvent on_failed{};
    OnEvent on_stalled{};
    OnEvent on_error{};
    /// Called from a thread of its own, first after an interval.
    std::function<void(const QueueMetrics&)> on_metrics{};
    /// 0: no metrics. Left out: QUEUE_METRICS_INTERVAL_MS of the environment, or a minute.
    std::optional<Milliseconds> metrics_interval{};
};

/// A registration. Ends with the object: when its destructor or detach() returns, no handler runs
/// and none will, but for the one that has called it.
class QueueTelemetry {
  public:
    class State;

    QueueTelemetry(std::shared_ptr<State> state, std::shared_ptr<void> attachment)
        : state_(std::move(state)), attachment_(std::move(attachment)) {}
    ~QueueTelemetry() { detach(); }
    QueueTelemetry(QueueTelemetry&&) noexcept = default;
    QueueTelemetry& operator=(QueueTelemetry&& other) noexcept {
        if (this == &other) return *this;
        detach();
        state_ = std::move(other.state_);
        attachment_ = std::move(other.attachment_);
        return *this;
    }
    QueueTelemetry(const QueueTelemetry&) = delete;
    QueueTelemetry& operator=(const QueueTelemetry&) = delete;

    /// Idempotent.
    void detach();
    /// Zeros when it is detached.
    QueueEventCounts counts() const;

  private:
    std::shared_ptr<State> state_;
    std::shared_ptr<void> attachment_;
};

namespace detail {

std::shared_ptr<QueueTelemetry::State> make_queue_telemetry(
    std::shared_ptr<Provider> provider, QueueTelemetryOptions options
);
std::shared_ptr<WorkerObserver> observer_of(const std::shared_ptr<QueueTelemetry::State>& state);
EnqueueMiddleware layer_of(const std::shared_ptr<QueueTelemetry::State>& state);

}  // namespace detail

/// Events of jobs that are enqueued with this client, or a copy that is made later: waiting and
/// error. Not while others enqueue with it.
[[nodiscard]] inline QueueTelemetry register_queue_telemetry(
    Client& client, QueueTelemetryOptions options = {}
) {
    auto state = detail::make_queue_telemetry(client.provider(), std::move(options));
    client.use(detail::layer_of(state));
    return {std::move(state), nullptr};
}

/// Events of what this worker does: completed, failed, stalled and error.
[[nodiscard]] inline QueueTelemetry register_queue_telemetry(
    Worker& worker, QueueTelemetryOptions options = {}
) {
    auto state = detail::make_queue_telemetry(worker.provider(), std::move(options));
    auto attachment = worker.observe(detail::observer_of(state));
    return {std::move(state), std::move(attachment)};
}

}  // namespace tranter
