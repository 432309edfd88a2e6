#pragma once

#include "broker/broker.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace tranter::storage {

/// Lets the broker's time pass on a thread of its own: delays end, leases run out, long polls time
/// out. The broker outlives it.
class EventThread {
  public:
    explicit EventThread(broker::Broker& broker);
    ~EventThread();
    EventThread(const EventThread&) = delete;
    EventThread& operator=(const EventThread&) = delete;

  private:
    void run(const std::stop_token& stop);

    broker::Broker& broker_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool earlier_ = false;  // guarded by mutex_: an event is due before the one we sleep for
    std::jthread thread_;   // last, so that it is joined before the rest goes
};

}  // namespace tranter::storage
