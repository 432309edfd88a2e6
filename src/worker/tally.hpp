#pragma once

#include "worker/meter.hpp"
#include "worker/observers.hpp"

#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/worker.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

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

}  // namespace tranter::worker
