#pragma once

#include "broker/broker.hpp"

#include <atomic>
#include <chrono>

namespace tranter::cli {

/// What the main thread does while the server runs: lets the broker's time pass and waits for
/// SIGTERM or SIGINT. Construct it before any thread starts, so that every thread inherits the
/// blocked signals.
class ServeLoop {
  public:
    /// Throws SystemError when the kernel refuses a descriptor.
    explicit ServeLoop(broker::Broker& broker);
    ~ServeLoop();
    ServeLoop(const ServeLoop&) = delete;
    ServeLoop& operator=(const ServeLoop&) = delete;

    void run_until_signal();
    /// Whether what is due has been under way for too long. From any thread.
    bool is_stuck() const;
    /// From now on a signal ends the process at once.
    void exit_on_next_signal();

  private:
    void wake();

    broker::Broker& broker_;
    int signal_fd_ = -1;
    int wake_fd_ = -1;
    std::atomic<bool> woken_{false};  // a wake is in wake_fd_ already
    std::atomic<std::chrono::steady_clock::time_point> busy_since_{};  // {}: it waits
};

}  // namespace tranter::cli
