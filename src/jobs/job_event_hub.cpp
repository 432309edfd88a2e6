#include "jobs/job_event_hub.hpp"

#include "base/log.hpp"

#include <exception>
#include <utility>

namespace tranter::jobs {

struct JobEventHub::Subscription {
    explicit Subscription(Listener listener_in) : listener(std::move(listener_in)) {}

    void call(const JobEvent& event) {
        const std::lock_guard lock(mutex);
        if (ended) return;
        try {
            listener(event);
        } catch (const std::exception& error) {
            log_error("jobs", "a listener of events threw", {{"error", error.what()}});
        }
    }
    void end() {
        const std::lock_guard lock(mutex);
        ended = true;
    }

    const Listener listener;
    // Recursive: a listener may end its own subscription.
    std::recursive_mutex mutex;
    bool ended = false;  // guarded by mutex
};

std::shared_ptr<void> JobEventHub::subscribe(Listener listener) {
    // Owned by the guard that the caller gets, and for the time of a call by who delivers.
    auto subscription = std::make_shared<Subscription>(std::move(listener));
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(subscriptions_, [](const auto& each) { return each.expired(); });
        subscriptions_.push_back(subscription);
        listeners_.store(subscriptions_.size(), std::memory_order_relaxed);
    }
    // The hub may be gone before the guard is, so the guard does not touch it.
    void* const address = subscription.get();
    return {address, [subscription](void*) {
                subscription->end();
            }};
}

void JobEventHub::publish(std::vector<JobEvent> events) {
    std::unique_lock lock(mutex_);
    std::erase_if(subscriptions_, [](const auto& each) { return each.expired(); });
    listeners_.store(subscriptions_.size(), std::memory_order_relaxed);
    for (JobEvent& event : events) {
        event.number = ++last_number_;
        if (waiting_.size() < waiting_max) waiting_.push_back(std::move(event));
    }
    if (!delivering_) deliver(std::move(lock));
}

void JobEventHub::miss() {
    const std::lock_guard lock(mutex_);
    ++last_number_;
}

void JobEventHub::deliver(std::unique_lock<std::mutex> lock) {
    delivering_ = true;
    while (!waiting_.empty()) {
        std::deque<JobEvent> events;
        events.swap(waiting_);
        std::vector<std::shared_ptr<Subscription>> live;
        for (const auto& each : subscriptions_) {
            if (auto subscription = each.lock()) live.push_back(std::move(subscription));
        }
        lock.unlock();
        for (const JobEvent& event : events) {
            for (const auto& subscription : live)
                subscription->call(event);
        }
        live.clear();
        lock.lock();
    }
    delivering_ = false;
}

}  // namespace tranter::jobs
