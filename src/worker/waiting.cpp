#include "worker/waiting.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;

/// Jobs that wait longer for somebody to be free are given back, another worker may be free.
constexpr auto ready_patience = 250ms;
/// A place is free when a job has ended, which takes as long as jobs do.
constexpr auto blocked_patience = 10s;

Places::Config limits_of(const Waiting::Config& config) {
    Places::Config limits{.of_group = config.group_concurrency};
    for (const WorkerQueue& queue : config.queues)
        limits.of_queues.push_back(queue.concurrency);
    return limits;
}

bool goes_before(const Task& task, const Task& other) {
    const std::size_t held = Places::held_by_group(task);
    const std::size_t held_by_other = Places::held_by_group(other);
    return held != held_by_other ? held < held_by_other : task.added_at < other.added_at;
}

}  // namespace

Waiting::Waiting(const Config& config)
    : places_(limits_of(config)),
      turns_(weights_of(config.queues), config.order),
      lanes_(config.queues.size()),
      blocked_(config.queues.size()) {}

bool Waiting::add(std::shared_ptr<Task> task, std::size_t queue, Moment now) {
    places_.enter(*task, queue);
    if (make_ready(task, now)) return true;
    task->added_at = now;
    blocked_[queue].push_back(std::move(task));
    return false;
}

std::shared_ptr<Task> Waiting::take_newest_blocked(std::size_t queue) {
    std::shared_ptr<Task> task = std::move(blocked_[queue].back());
    blocked_[queue].pop_back();
    places_.leave(*task);
    return task;
}

bool Waiting::make_ready(const std::shared_ptr<Task>& task, Moment now) {
    if (!places_.take(*task)) return false;
    task->added_at = now;
    ready_runs_ += task->first_runs();
    lanes_[task->seat.queue].push(task);
    return true;
}

Work Waiting::take() {
    if (!further_.empty()) {
        Work work = std::move(further_.front());
        further_.pop_front();
        return work;
    }
    const auto queue = turns_.next([this](std::size_t each) { return !lanes_[each].is_empty(); });
    Work work{.task = lanes_[queue.value_or(0)].pop()};
    const std::uint32_t runs = work.task->first_runs();
    ready_runs_ -= runs;
    work.task->runs_here = runs;
    for (std::uint32_t run = 2; run <= runs; ++run)
        further_.push_back({work.task, run});
    return work;
}

void Waiting::ended(Task& task, Moment now) {
    if (--task.runs_here > 0) return;
    places_.give_back(task);
    places_.leave(task);
    unblock(now);
}

/// One job after the other, because each changes who has the fewest.
void Waiting::unblock(Moment now) {
    while (true) {
        std::shared_ptr<Task> best;
        for (const Blocked& blocked : blocked_) {
            if (best && turns_.order() == QueueOrder::strict) break;
            for (const auto& task : blocked) {
                if (places_.has_place(*task) && (!best || goes_before(*task, *best))) best = task;
            }
        }
        if (!best || !make_ready(best, now)) return;
        std::erase(blocked_[best->seat.queue], best);
    }
}

Waiting::Overdue Waiting::take_overdue(Moment now) {
    Overdue overdue;
    for (Lane& lane : lanes_)
        lane.take_until(now - ready_patience, overdue.ready);
    for (Blocked& blocked : blocked_) {
        while (!blocked.empty() && blocked.front()->added_at <= now - blocked_patience) {
            overdue.blocked.push_back(std::move(blocked.front()));
            blocked.pop_front();
        }
    }
    for (const auto& task : overdue.ready)
        ready_runs_ -= task->first_runs();
    forget(overdue.ready);
    forget(overdue.blocked);
    if (!overdue.ready.empty()) unblock(now);
    return overdue;
}

Moment Waiting::next_overdue() const {
    Moment next = Moment::max();
    const auto at = [&](Moment since, Moment::duration patience) {
        if (since != Moment::max()) next = std::min(next, since + patience);
    };
    for (const Lane& lane : lanes_)
        at(lane.oldest(), ready_patience);
    for (std::size_t queue = 0; queue < blocked_.size(); ++queue)
        at(oldest_blocked(queue), blocked_patience);
    return next;
}

Moment Waiting::oldest_blocked(std::size_t queue) const {
    return blocked_[queue].empty() ? Moment::max() : blocked_[queue].front()->added_at;
}

std::vector<std::shared_ptr<Task>> Waiting::take_unstarted() {
    std::vector<std::shared_ptr<Task>> taken;
    for (Lane& lane : lanes_)
        lane.take_until(Moment::max(), taken);
    for (Blocked& blocked : blocked_) {
        std::ranges::move(blocked, std::back_inserter(taken));
        blocked.clear();
    }
    ready_runs_ = 0;
    forget(taken);
    return taken;
}

void Waiting::forget(const std::vector<std::shared_ptr<Task>>& tasks) {
    for (const auto& task : tasks) {
        places_.give_back(*task);
        places_.leave(*task);
    }
}

std::size_t Waiting::blocked() const {
    std::size_t count = 0;
    for (const Blocked& blocked : blocked_)
        count += blocked.size();
    return count;
}

}  // namespace tranter::worker
