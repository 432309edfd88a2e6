#pragma once

#include "process/spawn.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace tranter::process {

/// Starts programs on a thread of its own, for those that live longer than the thread that wants
/// them: the kernel ties SpawnOptions::dies_with_us to the thread. They are killed when this object
/// goes. Thread-safe.
class SpawnThread {
  public:
    SpawnThread();
    ~SpawnThread();
    SpawnThread(const SpawnThread&) = delete;
    SpawnThread& operator=(const SpawnThread&) = delete;

    [[nodiscard]] Result<Child> spawn(const SpawnOptions& options);

  private:
    void serve();

    std::mutex calls_;  // one call at a time
    std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    const SpawnOptions* wanted_ = nullptr;
    std::optional<Result<Child>> started_;
    bool ending_ = false;

    std::thread thread_;
};

}  // namespace tranter::process
