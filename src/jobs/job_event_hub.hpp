#pragma once

#include <tranter/provider.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::jobs {

/// Tells listeners that jobs changed state, in one order for all of them. Whoever publishes while
/// nobody else delivers does so itself, on its own thread and without a lock of the hub, so a
/// listener may call the store. Costs one load while nobody listens. Thread-safe.
class JobEventHub {
  public:
    using Listener = Provider::Listener;

    /// The listener is called until the returned object is destroyed, which waits for a call of it
    /// that goes on in another thread.
    std::shared_ptr<void> subscribe(Listener listener);
    bool has_listeners() const { return listeners_.load(std::memory_order_relaxed) != 0; }
    /// Numbers are given here.
    void publish(std::vector<JobEvent> events);
    /// Some may not have come here, which the numbers will show.
    void miss();

  private:
    struct Subscription;
    using Subscriptions = std::vector<std::weak_ptr<Subscription>>;
    /// More than that wait only when a listener is stuck; then events are dropped, which the
    /// numbers show.
    static constexpr std::size_t waiting_max = 100'000;

    void deliver(std::unique_lock<std::mutex> lock);

    std::atomic<std::size_t> listeners_{0};
    std::mutex mutex_;
    // guarded by mutex_
    Subscriptions subscriptions_;
    std::deque<JobEvent> waiting_;
    std::uint64_t last_number_ = 0;
    bool delivering_ = false;
};

}  // namespace tranter::jobs
