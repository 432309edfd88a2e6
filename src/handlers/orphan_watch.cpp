#include "handlers/orphan_watch.hpp"

#include "base/log.hpp"
#include "handlers/environment.hpp"
#include "process/orphans.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

namespace tranter::handlers {

OrphanWatch::OrphanWatch(std::chrono::milliseconds delay) : delay_(delay) {
    if (!process::adopt_orphans()) {
        log_warn("worker", "the kernel does not let us find what handlers leave behind");
    }
    thread_ = std::thread([this] { run(); });
}

OrphanWatch::~OrphanWatch() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
    sweep();
}

OrphanWatch::ById::iterator OrphanWatch::begin(std::string id) {
    const std::lock_guard lock(mutex_);
    return running_.emplace(std::move(id), Running{.begun = process::ticks_now()});
}

void OrphanWatch::started(ById::iterator running, pid_t pid) {
    const std::lock_guard lock(mutex_);
    running->second.pid = pid;
}

void OrphanWatch::end(ById::iterator running) {
    {
        const std::lock_guard lock(mutex_);
        running_.erase(running);
        if (std::exchange(dirty_, true)) return;
    }
    changed_.notify_one();
}

void OrphanWatch::run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        changed_.wait(lock, [this] { return ending_ || dirty_; });
        changed_.wait_for(lock, delay_, [this] { return ending_; });
        dirty_ = false;
        lock.unlock();
        sweep();
        lock.lock();
        // What was a zombie for the first time is looked at again.
        dirty_ = dirty_ || !zombies_.empty();
    }
}

bool OrphanWatch::is_left_behind(pid_t pid) const {
    std::string id = process::initial_variable(pid, job_id_variable);
    if (id.empty()) id = process::initial_variable(pid, child_id_variable);
    const std::lock_guard lock(mutex_);
    if (!id.empty()) return !running_.contains(id);
    // It hides for whom it was started. It was for nobody that began later than it.
    const std::uint64_t started = process::start_ticks(pid);
    return std::ranges::all_of(running_, [&](const auto& one) {
        return started < one.second.begun;
    });
}

bool OrphanWatch::has_an_owner(pid_t pid) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(running_, [&](const auto& one) { return one.second.pid == pid; });
}

void OrphanWatch::sweep() {
    const auto killed = process::kill_orphans([this](pid_t pid) { return is_left_behind(pid); });
    if (killed > 0) {
        log_warn("worker", "killed processes that handlers had left behind", {{"count", killed}});
    }
    // A process of a pool may have ended while it had no job, and its number must not be given to
    // another before its owner has waited for it. All others of ours are waited for as soon as they
    // end, so who is a zombie twice is an orphan.
    std::set<pid_t> zombies;
    for (const pid_t pid : process::list_zombies()) {
        if (has_an_owner(pid)) continue;
        if (zombies_.contains(pid)) {
            ::waitpid(pid, nullptr, WNOHANG);
        } else {
            zombies.insert(pid);
        }
    }
    zombies_ = std::move(zombies);
}

}  // namespace tranter::handlers
