#include "admin/work_pool.hpp"

#include <system_error>
#include <utility>

namespace tranter::admin {

WorkPool::WorkPool(std::size_t threads_max, std::size_t waiting_max)
    : threads_max_(threads_max), waiting_max_(waiting_max) {}

WorkPool::~WorkPool() {
    std::vector<std::jthread> threads;  // joined at its end
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        threads.swap(threads_);
    }
    changed_.notify_all();
}

bool WorkPool::submit(Task& task) {
    {
        const std::lock_guard lock(mutex_);
        if (unfinished_ >= threads_max_ + waiting_max_) return false;
        if (!has_a_thread_for_one_more()) return false;
        waiting_.push_back(std::move(task));
        ++unfinished_;
    }
    changed_.notify_one();
    return true;
}

/// Or one that will get to it.
bool WorkPool::has_a_thread_for_one_more() {
    // Only what runs here can still have something to do, and its thread will get to it.
    if (ended_) return true;
    if (unfinished_ < threads_.size() || threads_.size() == threads_max_) return true;
    try {
        threads_.emplace_back([this] { run(); });
        return true;
    } catch (const std::system_error&) {
        return !threads_.empty() && waiting_max_ > 0;
    }
}

void WorkPool::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        Task task = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        task();
        task = nullptr;  // what it holds ends before it counts as finished
        lock.lock();
        --unfinished_;
    }
}

}  // namespace tranter::admin
