#include "worker/leases.hpp"

#include <algorithm>
#include <chrono>
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
    if (next_wake() < wakes_at_) changed_.notify_one();
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
    if (to_flush_.empty()) flush_at_ = Steady::now() + flush_rest;
    to_flush_.push_back(std::move(task));
    if (next_wake() < wakes_at_) changed_.notify_one();
}

void Leases::keep(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Tasks due;
        Tasks reporting;
        {
            std::unique_lock lock(mutex_);
            wakes_at_ = next_wake();
            const auto is_earlier = [this] {
                return next_wake() < wakes_at_;
            };
            if (wakes_at_ == Moment::max()) {
                changed_.wait(lock, stop, is_earlier);
            } else {
                changed_.wait_until(lock, stop, wakes_at_, is_earlier);
            }
            wakes_at_ = {};
            const Moment now = Steady::now();
            due = take_due(now);
            if (flush_at_ <= now) {
                reporting.swap(to_flush_);
                flush_at_ = Moment::max();
            }
        }
        renew(due);
        flush(reporting);
    }
}

Moment Leases::next_wake() const {
    const Moment renewal =
        held_.empty() ? Moment::max() : std::max(held_.front()->lease.renew_at, rest_until_);
    return std::min(renewal, flush_at_);
}

/// With those that are due soon, so that there are fewer calls.
Leases::Tasks Leases::take_due(Moment now) {
    Tasks due;
    if (now < rest_until_ || held_.empty() || held_.front()->lease.renew_at > now) return due;
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
            if (!renew_batch(batch)) {
                all = false;
                lose_ended(batch);
            }
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
            held_.splice(held_.end(), held_, task->lease.place);
        }
    }
    if (!answer) return forget(*task);
    if (answer->cancel_requested) task->stop(StopReason::cancelled);
}

void Leases::lose_ended(std::span<const std::shared_ptr<Task>> batch) {
    for (const auto& task : batch) {
        if (has_ended(*task)) forget(*task);
    }
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

void Leases::flush(const Tasks& tasks) const {
    for (const auto& task : tasks) {
        if (!task->claimed()) task->flush();
    }
}

}  // namespace tranter::worker
