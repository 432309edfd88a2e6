#pragma once

#include "base/uuid.hpp"
#include "providers/broker_running.hpp"

#include <tranter/provider.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tranter::providers {

/// Who waits for which job to finish. Costs one load while nobody waits. Thread-safe; callbacks run
/// outside the mutex.
class JobWaits {
  public:
    using Done = AsyncProvider::Done<std::optional<JobRecord>>;
    /// Names a wait; 0 is none.
    using WaitId = std::uint64_t;

    /// `unavailable` (told to `done`, and 0) after close().
    WaitId add(const Uuid& job, Done done);
    bool empty() const { return waiting_.load(std::memory_order_acquire) == 0; }
    bool has(const Uuid& job) const;
    /// Tells everybody who waits for it.
    void finished(const Uuid& job, const JobRecord& record);
    /// Answers this wait, unless it was answered.
    void answer(const Uuid& job, WaitId wait, Result<std::optional<JobRecord>> result);
    /// Answers all with `unavailable`.
    void close();

  private:
    struct Waiter {
        WaitId id = 0;
        Done done;
    };
    void count() { waiting_.store(waiters_.size(), std::memory_order_release); }

    std::atomic<std::size_t> waiting_{0};
    mutable std::mutex mutex_;
    // guarded by mutex_
    std::unordered_multimap<Uuid, Waiter, UuidHash> waiters_;
    WaitId last_id_ = 0;
    bool closed_ = false;
};

}  // namespace tranter::providers
