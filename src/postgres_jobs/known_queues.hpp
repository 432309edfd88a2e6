#pragma once

#include "base/error.hpp"
#include "postgres_jobs/look_start.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

struct Store;

/// A queue of the database, as this process knows it.
class KnownQueue {
  public:
    using Clock = std::chrono::steady_clock;

    explicit KnownQueue(std::int32_t id) : id_(id) {}

    std::int32_t id() const { return id_; }
    /// Whether its time is to be let pass although there are jobs: each 200 ms once.
    bool is_time_to_pass(Clock::time_point now = Clock::now());
    LookStart& look_start() { return look_start_; }

  private:
    const std::int32_t id_;
    std::atomic<Clock::rep> passes_next_ = 0;
    LookStart look_start_{};
};

/// Queues by name. They never go, and their ids never change. Thread-safe.
class KnownQueues {
  public:
    /// Null when it is not known. What is returned lives as long as this.
    KnownQueue* find(std::string_view name) const;
    KnownQueue* add(std::string_view name, std::int32_t id);

  private:
    mutable std::mutex mutex_;
    // guarded by mutex_
    std::map<std::string, std::unique_ptr<KnownQueue>, std::less<>> queues_{};
};

/// `not_found` for one that the database does not have, `invalid_argument` for a name that no queue
/// can have.
[[nodiscard]] Result<KnownQueue*> find_queue(Store& store, std::string_view name);
/// The same, but makes it.
[[nodiscard]] Result<KnownQueue*> find_or_make_queue(Store& store, std::string_view name);

}  // namespace tranter::postgres_jobs
