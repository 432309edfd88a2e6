#include "storage/event_thread.hpp"

#include <algorithm>

namespace tranter::storage {
namespace {

// How late what came due while the machine slept may be: steady_clock stands still then.
constexpr Duration longest_sleep = std::chrono::seconds(10);

}  // namespace

EventThread::EventThread(broker::Broker& broker) : broker_(broker) {
    broker_.on_earlier_event([this] {
        {
            const std::lock_guard lock(mutex_);
            earlier_ = true;
        }
        changed_.notify_one();
    });
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

EventThread::~EventThread() {
    thread_.request_stop();
    thread_.join();
    broker_.on_earlier_event([] {});
}

void EventThread::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        broker_.run_due();
        const auto next = broker_.next_event();
        std::unique_lock lock(mutex_);
        const auto woken = [this] {
            return earlier_;
        };
        if (next) {
            const auto wait = std::clamp(*next - broker_.now(), Duration::zero(), longest_sleep);
            changed_.wait_for(lock, stop, wait, woken);
        } else {
            changed_.wait(lock, stop, woken);
        }
        earlier_ = false;
    }
}

}  // namespace tranter::storage
