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
    all_.push_back(std::move(observer));
    any_.store(true, std::memory_order_relaxed);
}

void Observers::remove(const WorkerObserver* observer) {
    std::vector<std::shared_ptr<WorkerObserver>> removed;  // ends outside of the lock
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](std::shared_ptr<WorkerObserver>& one) {
        if (one.get() != observer) return false;
        removed.push_back(std::move(one));
        return true;
    });
    any_.store(!all_.empty(), std::memory_order_relaxed);
}

template <class Call>
void Observers::tell(Call call) const {
    if (!any()) return;
    std::unique_lock lock(mutex_);
    const auto all = all_;
    lock.unlock();
    for (const auto& observer : all) {
        try {
            call(*observer);
        } catch (const std::exception& error) {
            say_threw(error.what());
        } catch (...) {
            say_threw("something that is no std::exception");
        }
    }
}

void Observers::received(ReceivedJob& job) const {
    tell([&](WorkerObserver& observer) { observer.received(job); });
}

void Observers::ended(const EndedAttempt& attempt) const {
    tell([&](WorkerObserver& observer) { observer.ended(attempt); });
}

void Observers::store_failed(std::string_view call, const Error& error) const {
    tell([&](WorkerObserver& observer) { observer.store_failed(call, error); });
}

}  // namespace tranter::worker
