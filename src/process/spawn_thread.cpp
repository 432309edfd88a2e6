#include "process/spawn_thread.hpp"

#include <utility>

namespace tranter::process {

SpawnThread::SpawnThread() : thread_([this] { serve(); }) {}

SpawnThread::~SpawnThread() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Result<Child> SpawnThread::spawn(const SpawnOptions& options) {
    const std::lock_guard one_call(calls_);
    std::unique_lock lock(mutex_);
    wanted_ = &options;
    changed_.notify_all();
    changed_.wait(lock, [&] { return started_.has_value(); });
    Result<Child> child = std::move(*started_);
    started_.reset();
    return child;
}

void SpawnThread::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ending_ || wanted_ != nullptr; });
        if (ending_) return;
        const SpawnOptions* options = std::exchange(wanted_, nullptr);
        lock.unlock();
        Result<Child> child = process::spawn(*options);
        lock.lock();
        started_.emplace(std::move(child));
        changed_.notify_all();
    }
}

}  // namespace tranter::process
