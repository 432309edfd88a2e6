#include "worker/leases.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;

constexpr auto flush_rest = 100ms;
constexpr auto first_rest = 100ms;

}  // namespace

Leases::Leases(Provider& provider, Config config, Tally& tally, StoreWatch& watch)
    : provider_(provider),
      config_(config),
      tally_(tally),
      watch_(watch),
      backoff_(first_rest, std::max<Milliseconds>(first_rest, config.lease / 6)) {}

void Leases::add(std::span<const std::shared_ptr<Task>> tasks) {
    std::list<std::shared_ptr<Task>> added(tasks.begin(), tasks.end());
    const Moment now = Steady::now();
    for (auto place = added.begin(); place != added.end(); ++place) {
        (*place)->lease = {.place = place, .held = true, .renew_at = now + config_.lease / 3};
        (*place)->lease_ends_at = now + config_.lease;
    }
    const std::lock_guard lock(mutex_);
    held_.splice(held_.end(), added);
    if (next_renewal() < wakes_at_) changed_.notify_one();
    if (next_end() < end_wakes_at_) end_changed_.notify_one();
}

void Leases::remove(std::span<const std::shared_ptr<Task>> tasks) {
    std::list<std::shared_ptr<Task>> removed;  // destroyed outside of the lock
    const std::lock_guard lock(mutex_);
    for (const auto& task : tasks) {
        if (!std::exchange(task->lease.held, false)) continue;
        removed.splice(removed.end(), held_, task->lease.place);
    }
}

bool Leases::has_ended(const Task& task) const {
    const std::lock_guard lock(mutex_);
    return !task.lease.held || task.lease_ends_at.load() <= Steady::now();
}

void Leases::begins(Task& task) {
    const Moment begun_at = task.begun_at.load(std::memory_order_relaxed);
    if (begun_at >= task.lease_ends_at.load(std::memory_order_relaxed)) forget(task);
}

void Leases::flush_soon(std::shared_ptr<Task> task) {
    const std::lock_guard lock(mutex_);
    to_flush_.push_back(std::move(task));
    if (to_flush_.size() > 1) return;
    flush_at_ = Steady::now() + flush_rest;
    report_came_.notify_one();
}

void Leases::let_end() {
    const std::lock_guard lock(mutex_);
    let_end_ = true;
}

void Leases::keep(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Tasks due;
        {
            std::unique_lock lock(mutex_);
            wait_for(lock, stop, changed_, wakes_at_, &Leases::next_renewal);
            due = take_due(Steady::now());
        }
        renew(due);
    }
}

void Leases::watch_ends(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Tasks ended;
        {
            std::unique_lock lock(mutex_);
            wait_for(lock, stop, end_changed_, end_wakes_at_, &Leases::next_end);
            const Moment now = Steady::now();
            for (const auto& task : held_) {
                if (task->lease_ends_at.load() > now) break;
                ended.push_back(task);
            }
        }
        for (const auto& task : ended)
            forget(*task);
    }
}

void Leases::report(const std::stop_token& stop) {
    while (true) {
        Tasks reporting;
        {
            std::unique_lock lock(mutex_);
            report_came_.wait(lock, stop, [this] { return !to_flush_.empty(); });
            report_came_.wait_until(lock, stop, flush_at_, [] { return false; });
            reporting.swap(to_flush_);
        }
        for (const auto& task : reporting) {
            // What is left is told by whoever settles it.
            if (stop.stop_requested()) return;
            if (!task->claimed()) task->flush();
        }
        if (stop.stop_requested()) return;
    }
}

/// Until the moment that `next` says, or `stop`. `wakes_at` is that moment meanwhile.
void Leases::wait_for(
    std::unique_lock<std::mutex>& lock,
    const std::stop_token& stop,
    std::condition_variable_any& changed,
    Moment& wakes_at,
    Moment (Leases::*next)() const
) {
    wakes_at = (this->*next)();
    const auto is_earlier = [&] {
        return (this->*next)() < wakes_at;
    };
    if (wakes_at == Moment::max()) {
        changed.wait(lock, stop, is_earlier);
    } else {
        changed.wait_until(lock, stop, wakes_at, is_earlier);
    }
    wakes_at = {};
}

Moment Leases::next_renewal() const {
    if (held_.empty() || let_end_) return Moment::max();
    return std::max(held_.front()->lease.renew_at, rest_until_);
}

Moment Leases::next_end() const {
    return held_.empty() ? Moment::max() : held_.front()->lease_ends_at.load();
}

/// With those that are due soon, so that there are fewer calls.
Leases::Tasks Leases::take_due(Moment now) {
    Tasks due;
    if (next_renewal() > now) return due;
    for (const auto& task : held_) {
        if (task->lease.renew_at > now + config_.lease / 12) break;
        due.push_back(task);
    }
    return due;
}

void Leases::renew(const Tasks& tasks) {
    if (tasks.empty()) return;
    std::map<std::string_view, Tasks> by_queue;
    for (const auto& task : tasks)
        by_queue[task->job().queue].push_back(task);
    bool all = true;
    for (const auto& [queue, its_tasks] : by_queue) {
        for (std::size_t i = 0; i < its_tasks.size(); i += config_.batch_max) {
            const auto rest = std::span(its_tasks).subspan(i);
            const auto batch = rest.first(std::min(rest.size(), config_.batch_max));
            if (!renew_batch(batch)) all = false;
        }
    }
    if (all) {
        backoff_.reset();
    } else {
        const std::lock_guard lock(mutex_);
        rest_until_ = Steady::now() + backoff_.next();
    }
}

bool Leases::renew_batch(std::span<const std::shared_ptr<Task>> batch) {
    std::vector<std::string> receipts;
    receipts.reserve(batch.size());
    for (const auto& task : batch)
        receipts.push_back(task->job().receipt);
    const Moment asked_at = Steady::now();
    const std::string& queue = batch.front()->job().queue;
    const auto answers = provider_.extend(queue, receipts, config_.lease);
    const auto error = temporary_of(answers, batch.size());
    if (!answers || answers->size() != batch.size()) {
        watch_.failed(StoreCall::extend, queue, error ? *error : answers.error());
        return false;
    }
    if (error) {
        watch_.failed(StoreCall::extend, queue, *error);
    } else {
        watch_.answered_in(StoreCall::extend, queue, Steady::now() - asked_at);
    }
    std::size_t extended = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& answer = (*answers)[i];
        if (!answer && is_temporary(answer.error())) continue;
        renewed(batch[i], answer, asked_at);
        if (answer) ++extended;
    }
    tally_.extended(extended);
    return !error;
}

void Leases::renewed(
    const std::shared_ptr<Task>& task, const Result<Extended>& answer, Moment asked_at
) {
    {
        const std::lock_guard lock(mutex_);
        if (!task->lease.held) return;
        if (answer) {
            task->lease.renew_at = asked_at + config_.lease / 3;
            task->lease_ends_at = asked_at + config_.lease;
            put_in_order(*task);
        }
    }
    if (!answer) return forget(*task);
    if (answer->cancel_requested) task->stop(StopReason::cancelled);
}

/// Behind all but what came while the store was asked.
void Leases::put_in_order(const Task& task) {
    auto place = held_.end();
    while (place != held_.begin() && (*std::prev(place))->lease.renew_at > task.lease.renew_at)
        --place;
    held_.splice(place, held_, task.lease.place);
}

/// Whoever settles it at this moment will hear the same from the store.
void Leases::forget(Task& task) {
    std::list<std::shared_ptr<Task>> removed;
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(task.lease.held, false)) return;
        removed.splice(removed.end(), held_, task.lease.place);
    }
    if (!task.claim()) return;
    tally_.add_lost(task, "its lease ended, the job may run elsewhere by now", true);
    task.stop(StopReason::lease_lost);
}

}  // namespace tranter::worker
