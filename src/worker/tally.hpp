#pragma once

#include "worker/meter.hpp"
#include "worker/observers.hpp"

#include <tranter/error.hpp>
#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/worker.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::worker {

class Task;

/// How attempts went and ended: counts them, measures them, and tells the log. Thread-safe.
class Tally {
  public:
    /// Null, or outlives it, and is told of what ends.
    explicit Tally(const Observers* observers = nullptr) : observers_(observers) {}

    /// What observers were told of a job.
    struct Introduction {
        std::string enqueued_in{};  // its traceparent before they saw it; empty: nobody did
        Observers::Serial seen_by = 0;
    };
    /// A job has come.
    Introduction introduce(ReceivedJob& job) const {
        if (observers_ == nullptr || !observers_->any()) return {};
        return introduce_to_all(job);
    }
    /// What will come, so that its figures stand at 0 from the start.
    void expect(std::string_view queue, std::span<const std::string> types);
    /// Just received.
    void meet(std::span<const std::shared_ptr<Task>> tasks);
    /// Its handler begins.
    static void began(const Task& task);
    /// The store knows it.
    void add(const Task& task, const AttemptOutcome& outcome);
    /// Its outcome does not count. `is_running`: the handler has not ended.
    void add_lost(const Task& task, std::string_view why, bool is_running);
    void extended(std::size_t leases) { extensions_.fetch_add(leases, std::memory_order_relaxed); }
    void polled(std::chrono::duration<double> time) { polls_.put(time); }

    WorkerCounts counts() const;
    WorkerMetrics metrics(std::span<const std::shared_ptr<Task>> running) const;
    const Observers* observers() const { return observers_; }

  private:
    Introduction introduce_to_all(ReceivedJob& job) const;

    const Observers* const observers_;
    Meters meters_;
    SharedDurations polls_;
    std::atomic<std::uint64_t> extensions_ = 0;
    mutable std::mutex mutex_;
    WorkerCounts counts_;  // guarded by mutex_, and so is `ended` of the meters
};

/// What a worker asks of its store all the time.
enum class StoreCall : std::uint8_t { receive, extend, settle };

/// Says once of each call for a queue that the store does not answer it, and once that it does
/// again: one that is full still answers who only looks, or finds nothing. Thread-safe.
class StoreWatch {
  public:
    /// Null, or outlives it, and is told of failures.
    explicit StoreWatch(const Observers* observers = nullptr) : observers_(observers) {}

    void failed(StoreCall call, std::string_view queue, const Error& error);
    void answered(StoreCall call, std::string_view queue) {
        answered_at_.store(wall_clock(), std::memory_order_relaxed);
        if (unanswered_count_.load(std::memory_order_relaxed) > 0) say_it_answers(call, queue);
    }
    /// A call that had nothing to wait for.
    void answered_in(
        StoreCall call, std::string_view queue, std::chrono::steady_clock::duration time
    ) {
        latency_.store(std::chrono::ceil<Milliseconds>(time), std::memory_order_relaxed);
        answered(call, queue);
    }

    struct State {
        std::optional<TimePoint> answered_at{};
        std::optional<Milliseconds> latency{};
        std::string last_error{};
        std::optional<TimePoint> last_error_at{};
    };
    State state() const;

  private:
    static TimePoint wall_clock() {
        return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    }
    void say_it_answers(StoreCall call, std::string_view queue);

    static constexpr Milliseconds unknown_latency{-1};

    const Observers* const observers_;
    std::atomic<std::size_t> unanswered_count_ = 0;
    std::atomic<TimePoint> answered_at_{};  // {}: never
    std::atomic<Milliseconds> latency_{unknown_latency};
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::set<std::pair<StoreCall, std::string>> unanswered_;
    std::string last_error_;
    std::optional<TimePoint> last_error_at_;
};

/// Whether the same call may succeed a moment later.
bool is_temporary(const Error& error);

}  // namespace tranter::worker
