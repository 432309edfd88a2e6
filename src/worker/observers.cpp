#include "worker/observers.hpp"

#include "base/log.hpp"

#include <exception>
#include <utility>

namespace tranter::worker {

namespace {

void say_threw(std::string_view what) {
    log_error("worker", "an observer of the worker has thrown", {{"error", what}});
}

}  // namespace

void Observers::add(std::shared_ptr<WorkerObserver> observer) {
    const std::lock_guard lock(mutex_);
    all_.push_back({.serial = ++last_serial_, .observer = std::move(observer)});
    any_.store(true, std::memory_order_relaxed);
}

void Observers::remove(const WorkerObserver* observer) {
    std::vector<std::shared_ptr<WorkerObserver>> removed;  // ends outside of the lock
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](One& one) {
        if (one.observer.get() != observer) return false;
        removed.push_back(std::move(one.observer));
        return true;
    });
    any_.store(!all_.empty(), std::memory_order_relaxed);
}

std::vector<Observers::One> Observers::all() const {
    if (!any()) return {};
    const std::lock_guard lock(mutex_);
    return all_;
}

template <class Call>
void Observers::tell(const std::vector<One>& all, Call call) {
    for (const One& one : all) {
        try {
            call(one);
        } catch (const std::exception& error) {
            say_threw(error.what());
        } catch (...) {
            say_threw("something that is no std::exception");
        }
    }
}

Observers::Serial Observers::received(ReceivedJob& job) const {
    const auto all = this->all();
    tell(all, [&](const One& one) { one.observer->received(job); });
    return all.empty() ? 0 : all.back().serial;
}

void Observers::ended(EndedAttempt attempt, Serial seen_by) const {
    tell(all(), [&](const One& one) {
        attempt.was_received = one.serial <= seen_by;
        one.observer->ended(attempt);
    });
}

void Observers::store_failed(std::string_view call, const Error& error) const {
    tell(all(), [&](const One& one) { one.observer->store_failed(call, error); });
}

}  // namespace tranter::worker
