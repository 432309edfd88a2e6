#include "telemetry/queue_telemetry.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"
#include "jobs/problem.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <utility>

namespace tranter {

namespace {

using Kind = QueueEvent::Kind;

constexpr Milliseconds default_interval = std::chrono::minutes(1);
constexpr std::int64_t interval_millis_max = 86'400'000;
constexpr const char* interval_variable = "QUEUE_METRICS_INTERVAL_MS";

TimePoint wall_time() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Milliseconds interval_of_environment() {
    const char* value = std::getenv(interval_variable);
    if (value == nullptr || *value == '\0') return default_interval;
    const std::string_view text(value);
    std::int64_t millis = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), millis);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size() && millis >= 0 &&
        millis <= interval_millis_max) {
        return Milliseconds(millis);
    }
    log_warn(
        "queue",
        "a variable is no number of milliseconds from 0 to a day, its default counts",
        {{"variable", interval_variable}, {"value", text}}
    );
    return default_interval;
}

void log_event(LogLevel level, std::string_view message, const QueueEvent& event) {
    log_line(
        level,
        "queue",
        message,
        {{"queue", event.queue},
         {"job_id", event.job_id},
         {"job_type", event.job_type},
         {"attempt", event.attempt},
         {"duration_ms", event.duration ? event.duration->count() : 0},
         {"error_type", event.error_type},
         {"error", event.error}}
    );
}

void log_by_default(const QueueEvent& event) {
    switch (event.kind) {
        case Kind::waiting:
            return log_event(LogLevel::debug, "a job waits", event);
        case Kind::completed:
            return log_event(LogLevel::info, "a job is completed", event);
        case Kind::failed:
            if (event.is_dead)
                return log_event(LogLevel::error, "a job has failed for good", event);
            return log_event(LogLevel::warn, "a job has failed and is tried again", event);
        case Kind::stalled:
            return log_event(LogLevel::warn, "a job has stalled", event);
        case Kind::error:
            return log_event(LogLevel::error, "the store of a queue has failed", event);
    }
}

void log_metrics(const QueueMetrics& metrics) {
    if (!metrics.error.empty()) {
        log_warn("queue", "queues cannot be measured", {{"error", metrics.error}});
    }
    for (const QueueStats& one : metrics.queues) {
        log_info(
            "queue",
            "queue metrics",
            {{"queue", one.queue},
             {"waiting", one.pending},
             {"active", one.processing},
             {"delayed", one.scheduled},
             {"completed", one.completed},
             {"failed", one.failed},
             {"dead", one.dead},
             {"paused", one.paused}}
        );
    }
}

template <class Function>
void call_safely(Function function) {
    try {
        function();
    } catch (const std::exception& error) {
        log_error("queue", "a handler of queue telemetry has thrown", {{"error", error.what()}});
    } catch (...) {
        log_error("queue", "a handler of queue telemetry has thrown");
    }
}

const QueueTelemetryOptions::OnEvent& handler_of(const QueueTelemetryOptions& options, Kind kind) {
    switch (kind) {
        case Kind::waiting:
            return options.on_waiting;
        case Kind::completed:
            return options.on_completed;
        case Kind::failed:
            return options.on_failed;
        case Kind::stalled:
            return options.on_stalled;
        case Kind::error:
            break;
    }
    return options.on_error;
}

QueueEvent error_event(std::string_view queue, const Error& error) {
    return {
        .kind = Kind::error,
        .at = wall_time(),
        .queue = std::string(queue),
        .error_type = std::string(jobs::problem_kind(error.code()).name),
        .error = error.message()};
}

class EventObserver final : public WorkerObserver {
  public:
    explicit EventObserver(std::weak_ptr<QueueTelemetry::State> state) : state_(std::move(state)) {}

    void ended(const EndedAttempt& attempt) override {
        const auto state = state_.lock();
        if (!state) return;
        QueueEvent event{.at = wall_time()};
        switch (attempt.ending) {
            case AttemptEnding::completed:
                event.kind = Kind::completed;
                break;
            case AttemptEnding::failed:
            case AttemptEnding::dead:
                event.kind = Kind::failed;
                break;
            case AttemptEnding::lost:
                event.kind = Kind::stalled;
                break;
            case AttemptEnding::released:
            case AttemptEnding::snoozed:
            case AttemptEnding::cancelled:
                return;
        }
        event.is_dead = attempt.ending == AttemptEnding::dead;
        event.queue = attempt.job.queue;
        event.job_id = attempt.job.id;
        event.job_type = attempt.job.type;
        event.attempt = attempt.job.attempt;
        event.error_type = attempt.error_type;
        event.error = attempt.error;
        if (attempt.begun_at) {
            event.duration = std::chrono::round<Milliseconds>(
                attempt.ended_at.value_or(event.at) - *attempt.begun_at
            );
        }
        state->handle(event);
    }

    void store_failed(std::string_view call, const Error& error) override {
        const auto state = state_.lock();
        if (!state) return;
        QueueEvent event = error_event({}, error);
        event.error = std::string(call) + ": " + event.error;
        state->handle(event);
    }

  private:
    const std::weak_ptr<QueueTelemetry::State> state_;
};

}  // namespace

/// A call of a handler by this thread, on top of those that have led to it. Keeps detach() of other
/// threads waiting.
class QueueTelemetry::State::Call {
  public:
    explicit Call(State& state)
        : state_(&state), lock_(state.calling_, std::defer_lock), below_(std::exchange(top, this)) {
        if (below_ == nullptr || !below_->is_for(state)) lock_.lock();
        is_allowed_ = !state.detached_;
    }
    ~Call() { top = below_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    bool is_allowed() const { return is_allowed_; }
    static bool is_under_way(const State& state) { return top != nullptr && top->is_for(state); }

  private:
    bool is_for(const State& state) const {
        return state_ == &state || (below_ != nullptr && below_->is_for(state));
    }

    static thread_local const Call* top;

    const State* const state_;
    std::shared_lock<std::shared_mutex> lock_;
    const Call* const below_;
    bool is_allowed_ = false;
};

thread_local const QueueTelemetry::State::Call* QueueTelemetry::State::Call::top = nullptr;

void QueueTelemetry::State::start(const std::shared_ptr<State>& state) {
    const auto& chosen = state->options_.metrics_interval;
    const Milliseconds interval = chosen ? *chosen : interval_of_environment();
    if (interval.count() <= 0) return;
    // The last share may end on this very thread, when a handler ends its registration.
    state->reporter_ =
        std::jthread([weak = std::weak_ptr(state), interval](const std::stop_token& stop) {
            while (rest(interval, stop)) {
                if (const auto shared = weak.lock()) shared->report_once();
            }
        });
}

void QueueTelemetry::State::handle(const QueueEvent& event) {
    const Call call(*this);
    if (!call.is_allowed()) return;
    counts_[static_cast<std::size_t>(event.kind)].fetch_add(1, std::memory_order_relaxed);
    const auto& handler = handler_of(options_, event.kind);
    if (!handler) return log_by_default(event);
    call_safely([&] { handler(event); });
}

QueueEventCounts QueueTelemetry::State::counts() const {
    const auto count = [this](Kind kind) {
        return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
    };
    return {
        .waiting = count(Kind::waiting),
        .completed = count(Kind::completed),
        .failed = count(Kind::failed),
        .stalled = count(Kind::stalled),
        .errors = count(Kind::error)};
}

void QueueTelemetry::State::detach() {
    detached_ = true;
    reporter_.request_stop();
    // A handler that ends its own registration must not wait for itself.
    if (Call::is_under_way(*this)) return;
    { const std::unique_lock others_have_ended(calling_); }
    if (!reporter_.joinable()) return;
    if (reporter_.get_id() == std::this_thread::get_id()) {
        reporter_.detach();
    } else {
        reporter_.join();
    }
}

void QueueTelemetry::State::report_once() {
    QueueMetrics metrics{.at = wall_time(), .counts = counts()};
    if (auto queues = provider_->queues()) {
        metrics.queues = std::move(*queues);
    } else {
        metrics.error = queues.error().message();
    }
    const Call call(*this);
    if (!call.is_allowed()) return;
    if (!options_.on_metrics) return log_metrics(metrics);
    call_safely([&] { options_.on_metrics(metrics); });
}

void QueueTelemetry::detach() {
    attachment_.reset();
    if (const auto state = std::exchange(state_, nullptr)) state->detach();
}

QueueEventCounts QueueTelemetry::counts() const {
    return state_ ? state_->counts() : QueueEventCounts{};
}

namespace detail {

std::shared_ptr<QueueTelemetry::State> make_queue_telemetry(
    std::shared_ptr<Provider> provider, QueueTelemetryOptions options
) {
    auto state = std::make_shared<QueueTelemetry::State>(std::move(provider), std::move(options));
    QueueTelemetry::State::start(state);
    return state;
}

std::shared_ptr<WorkerObserver> observer_of(const std::shared_ptr<QueueTelemetry::State>& state) {
    return std::make_shared<EventObserver>(state);
}

EnqueueMiddleware layer_of(const std::shared_ptr<QueueTelemetry::State>& state) {
    return [weak = std::weak_ptr(state)](EnqueueCall& call, const EnqueueNext& next) {
        auto answer = next(call);
        const auto alive = weak.lock();
        if (!alive) return answer;
        if (!answer) {
            alive->handle(error_event(call.queue, answer.error()));
            return answer;
        }
        for (std::size_t i = 0; i < answer->size() && i < call.jobs.size(); ++i) {
            if (!(*answer)[i].duplicate_of.empty()) continue;
            alive->handle(
                {.kind = Kind::waiting,
                 .at = wall_time(),
                 .queue = call.queue,
                 .job_id = (*answer)[i].id,
                 .job_type = call.jobs[i].type}
            );
        }
        return answer;
    };
}

}  // namespace detail

}  // namespace tranter
