#pragma once

#include "postgres/target.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

namespace tranter::postgres_jobs {

/// Who waits for the database to say something, and what it says, on one connection and one thread
/// that are begun at the first use. Without notifications (a pooler that pools transactions, a
/// connection that is lost) everybody who waits is woken each poll interval, and the log says so
/// once. Thread-safe.
class Wakeups {
  public:
    using Clock = std::chrono::steady_clock;
    /// What was said: jobs of a queue (with the epoch of its hints), the end of a job, an event.
    struct Heard {
        std::string_view payload{};
    };
    using Hear = std::function<void(const Heard&)>;

    Wakeups(postgres::Target target, std::chrono::milliseconds poll_interval);
    ~Wakeups();
    Wakeups(const Wakeups&) = delete;
    Wakeups& operator=(const Wakeups&) = delete;

    /// Ends all waits, for good.
    void close();
};

}  // namespace tranter::postgres_jobs
