#include "worker/board.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;
using Micros = std::chrono::duration<double, std::micro>;

/// So much work is kept at hand: it bridges a call to the store.
constexpr Micros at_hand_time = 5ms;
/// Jobs that wait here longer are given back, another worker may be free.
constexpr auto patience = 250ms;
/// Handlers count as slow until they have shown otherwise.
constexpr double presumed_micros = 1e6;
constexpr double newest_weight = 1.0 / 8;

}  // namespace

Board::Board(Config config, std::function<void()> out_of_work)
    : config_(config),
      out_of_work_(std::move(out_of_work)),
      slots_(config.concurrency),
      usual_micros_(presumed_micros) {}

std::size_t Board::at_hand() const {
    const double jobs = at_hand_time.count() / std::max(usual_micros_, 1.0) *
                        static_cast<double>(config_.concurrency);
    // Less than that is not worth it.
    return jobs < 1 ? 0 : std::min(config_.batch_max, static_cast<std::size_t>(jobs));
}

/// Not just one when many are wanted, or each would cost a call.
std::size_t Board::room() const {
    const std::size_t more = at_hand();
    const std::size_t wanted = config_.concurrency + more;
    const std::size_t here = running_ + waiting_.size();
    if (here >= wanted || (!waiting_.empty() && wanted - here < more / 2)) return 0;
    const std::size_t share = (wanted - here + config_.queues - 1) / config_.queues;
    return std::min(share, config_.batch_max);
}

std::size_t Board::wait_for_room() {
    std::unique_lock lock(mutex_);
    ++idle_receivers_;
    room_came_.wait(lock, [this] { return is_closed_ || room() > 0; });
    --idle_receivers_;
    return is_closed_ ? 0 : room();
}

void Board::wake_receivers() {
    if (idle_receivers_ > 0 && room() > 0) room_came_.notify_all();
}

bool Board::add(std::span<const std::shared_ptr<Task>> tasks) {
    const Moment now = Steady::now();
    std::unique_lock lock(mutex_);
    if (is_closed_) return false;
    for (const auto& task : tasks) {
        task->added_at = now;
        for (std::uint32_t run = 1; run <= task->first_runs(); ++run)
            waiting_.push_back({task, run});
    }
    waiting_count_ = waiting_.size();
    const std::size_t can_begin = std::min(idle_executors_, waiting_.size());
    const bool must_watch = waiting_.size() > can_begin && next_overdue() < overdue_wakes_at_;
    lock.unlock();
    for (std::size_t i = 0; i < can_begin; ++i)
        work_came_.notify_one();
    if (must_watch) overdue_changed_.notify_one();
    return true;
}

void Board::begin(Slot& slot, const Work& work, Moment now) {
    slot = {.task = work.task, .begun_at = now};
    ++running_;
    Task& task = *work.task;
    if (std::exchange(task.has_begun, true) || task.timeout().count() == 0) return;
    task.times_out_at = now + task.timeout();
    if (*task.times_out_at < overdue_wakes_at_) overdue_changed_.notify_one();
}

void Board::end(Slot& slot, Moment now) {
    const double micros = Micros(now - slot.begun_at).count();
    usual_micros_ += (micros - usual_micros_) * newest_weight;
    slot = {};
    --running_;
}

bool Board::exchange(std::size_t slot, Work& work, std::optional<std::uint32_t> next) {
    // Destroyed outside of the lock.
    const Work done = std::exchange(work, {});
    Moment now = Steady::now();
    std::unique_lock lock(mutex_);
    if (done.task) end(slots_[slot], now);
    if (next) waiting_.push_front({done.task, *next});
    if (waiting_.empty()) {
        if (running_ == 0) became_idle_.notify_all();
        wake_receivers();
        lock.unlock();
        out_of_work_();
        lock.lock();
        ++idle_executors_;
        work_came_.wait(lock, [this] { return is_closed_ || !waiting_.empty(); });
        --idle_executors_;
        if (waiting_.empty()) return false;
        now = Steady::now();
    }
    work = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_count_ = waiting_.size();
    begin(slots_[slot], work, now);
    wake_receivers();
    return true;
}

Moment Board::next_overdue() const {
    Moment next = Moment::max();
    for (const Slot& slot : slots_) {
        if (slot.task && slot.task->times_out_at) next = std::min(next, *slot.task->times_out_at);
    }
    const auto unstarted =
        std::ranges::find_if(waiting_, [](const Work& work) { return !work.task->has_begun; });
    if (unstarted != waiting_.end()) next = std::min(next, unstarted->task->added_at + patience);
    return next;
}

Board::Overdue Board::wait_for_overdue(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    Overdue overdue;
    while (!stop.stop_requested()) {
        const Moment now = Steady::now();
        take_timed_out(now, overdue);
        overdue.unstarted = take_unstarted(now - patience);
        if (!overdue.unstarted.empty()) usual_micros_ = presumed_micros;
        if (!overdue.timed_out.empty() || !overdue.unstarted.empty()) break;
        overdue_wakes_at_ = next_overdue();
        const auto is_earlier = [this] {
            return next_overdue() < overdue_wakes_at_;
        };
        if (overdue_wakes_at_ == Moment::max()) {
            overdue_changed_.wait(lock, stop, is_earlier);
        } else {
            overdue_changed_.wait_until(lock, stop, overdue_wakes_at_, is_earlier);
        }
        overdue_wakes_at_ = {};
    }
    return overdue;
}

void Board::take_timed_out(Moment now, Overdue& overdue) {
    for (const Slot& slot : slots_) {
        if (!slot.task || !slot.task->times_out_at || *slot.task->times_out_at > now) continue;
        slot.task->times_out_at.reset();
        overdue.timed_out.push_back(slot.task);
    }
}

std::vector<Work> Board::take_unstarted(Moment added_until) {
    if (waiting_.empty()) return {};
    std::vector<Work> taken;
    std::deque<Work> left;
    for (Work& work : waiting_) {
        if (work.task->has_begun || work.task->added_at > added_until) {
            left.push_back(std::move(work));
        } else {
            taken.push_back(std::move(work));
        }
    }
    waiting_ = std::move(left);
    waiting_count_ = waiting_.size();
    return taken;
}

std::vector<Work> Board::close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    room_came_.notify_all();
    work_came_.notify_all();
    return take_unstarted(Moment::max());
}

bool Board::wait_until_idle(Moment until) {
    std::unique_lock lock(mutex_);
    return became_idle_.wait_until(lock, until, [this] {
        return running_ == 0 && waiting_.empty();
    });
}

std::vector<std::shared_ptr<Task>> Board::running() const {
    std::vector<std::shared_ptr<Task>> tasks;
    const std::lock_guard lock(mutex_);
    for (const Slot& slot : slots_) {
        if (slot.task && std::ranges::find(tasks, slot.task) == tasks.end()) {
            tasks.push_back(slot.task);
        }
    }
    return tasks;
}

Board::Load Board::load() const {
    const std::lock_guard lock(mutex_);
    return {.running = running_, .waiting = waiting_.size()};
}

}  // namespace tranter::worker
