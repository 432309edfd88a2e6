#pragma once

#include "base/time.hpp"
#include "broker/queue.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tranter::broker {

/// When the broker has to look at which queue: at most one entry a queue. Thread-safe; its mutex is
/// the innermost of all.
class EventIndex {
  public:
    /// Makes sure that the queue is looked at by `when`. `true`: this is now the earliest of all.
    bool schedule(const QueueHandle& queue, Instant when);
    std::optional<Instant> next() const;
    /// Removes and returns every queue whose time has come.
    std::vector<QueueHandle> take_due(Instant now);
    void remove(const Queue& queue);

  private:
    using ByTime = std::multimap<Instant, QueueHandle>;
    mutable std::mutex mutex_;
    ByTime by_time_;
    std::unordered_map<QueueId, ByTime::iterator> by_queue_;
};

}  // namespace tranter::broker
