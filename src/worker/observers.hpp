#pragma once

#include <tranter/worker_observer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace tranter::worker {

/// Those who look at a worker. Thread-safe. Without any, a job costs a relaxed load.
class Observers {
  public:
    Observers() = default;
    Observers(const Observers&) = delete;
    Observers& operator=(const Observers&) = delete;

    void add(std::shared_ptr<WorkerObserver> observer);
    /// Calls that have begun may go on.
    void remove(const WorkerObserver* observer);
    bool any() const { return any_.load(std::memory_order_relaxed); }

    void received(ReceivedJob& job) const;
    void ended(const EndedAttempt& attempt) const;
    void store_failed(std::string_view call, const Error& error) const;

  private:
    template <class Call>
    void tell(Call call) const;

    std::atomic<bool> any_ = false;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<WorkerObserver>> all_;  // guarded by mutex_
};

}  // namespace tranter::worker
