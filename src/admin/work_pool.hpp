#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tranter::admin {

/// Threads for calls that block, started as they are needed, with a bounded line in front of them.
class WorkPool {
  public:
    using Task = std::move_only_function<void()>;

    WorkPool(std::size_t threads_max, std::size_t waiting_max);
    /// Does what is in line, and joins.
    ~WorkPool();
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;

    /// False, and the task is still there, when all threads are busy and the line is full.
    /// Thread-safe.
    [[nodiscard]] bool submit(Task& task);

  private:
    bool has_a_thread_for_one_more();
    void run();

    const std::size_t threads_max_;
    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> waiting_;           // guarded by mutex_
    std::size_t unfinished_ = 0;         // with those that wait; guarded by mutex_
    bool ended_ = false;                 // guarded by mutex_
    std::vector<std::jthread> threads_;  // guarded by mutex_; last: they use the rest
};

}  // namespace tranter::admin
