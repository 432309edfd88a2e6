#pragma once

#include <tranter/worker_observer.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace tranter::worker {

/// Those who look at a worker. Thread-safe. Without any, a job costs a relaxed load.
class Observers {
  public:
    /// Of an observer, in the order in which they come. 0: nobody.
    using Serial = std::uint64_t;

    Observers() = default;
    Observers(const Observers&) = delete;
    Observers& operator=(const Observers&) = delete;

    void add(std::shared_ptr<WorkerObserver> observer);
    /// Calls that have begun may go on.
    void remove(const WorkerObserver* observer);
    bool any() const { return any_.load(std::memory_order_relaxed); }

    /// Returns who has seen the job, for ended().
    Serial received(ReceivedJob& job) const;
    /// To all; those who came after `seen_by` learn that they have not seen it before.
    void ended(EndedAttempt attempt, Serial seen_by) const;
    void store_failed(std::string_view call, const Error& error) const;

  private:
    struct One {
        Serial serial = 0;
        std::shared_ptr<WorkerObserver> observer{};
    };

    std::vector<One> all() const;
    template <class Call>
    static void tell(const std::vector<One>& all, Call call);

    std::atomic<bool> any_ = false;
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<One> all_;
    Serial last_serial_ = 0;
};

}  // namespace tranter::worker
