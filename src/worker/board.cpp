#include "worker/board.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;
using Micros = std::chrono::duration<double, std::micro>;

/// So much work is kept at hand: it bridges a call to the store.
constexpr Micros at_hand_time = 20ms;
/// Handlers count as slow until they have shown otherwise.
constexpr double presumed_micros = 1e6;
constexpr double newest_weight = 1.0 / 8;
/// Jobs that wait for a place, for each queue.
constexpr std::size_t blocked_min = 8;
/// After jobs went back because there was no place for them, so that another worker gets them.
constexpr auto rest_after_blocked = 250ms;
/// So many wait for a place that nothing more is received, until some have waited for so long.
constexpr auto crowded_patience = 1s;
/// What was received in vain stays away as long as those in front of it are likely to need, of
/// which the time that they have waited is a measure.
constexpr Milliseconds put_off_min = 1s;
constexpr Milliseconds put_off_max = 10s;
/// Jobs to be asked for at once to look past blocked ones, as a multiple of those that may be.
constexpr std::size_t looks_max = 8;

}  // namespace

Board::Board(Config config, std::function<void()> out_of_work)
    : config_(std::move(config)),
      out_of_work_(std::move(out_of_work)),
      waiting_({config_.queues, config_.order, config_.group_concurrency}),
      asking_(weights_of(config_.queues), config_.order),
      slots_(config_.concurrency),
      looks_(config_.queues.size()),
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
    const std::size_t here = running_ + waiting_.ready_runs() + asking_.kept();
    if (here >= wanted || (waiting_.is_ready() && wanted - here < more / 2)) return 0;
    return wanted - here;
}

std::size_t Board::blocked_max() const {
    return std::min(std::max(config_.concurrency, blocked_min) + at_hand(), config_.batch_max);
}

bool Board::is_crowded(std::size_t queue) const {
    return waiting_.blocked_of(queue) >= blocked_max();
}

/// When a crowded queue may be asked for what is behind its blocked jobs.
Moment Board::next_look(std::size_t queue) const {
    return waiting_.oldest_blocked(queue) + crowded_patience;
}

/// How many jobs the queue may be asked for, however much room there is.
std::size_t Board::most_of(std::size_t queue, Moment now) const {
    std::size_t most = config_.batch_max;
    const auto keep_below = [&most](std::size_t limit, std::size_t here) {
        most = std::min(most, limit > here ? limit - here : 0);
    };
    const std::size_t blocked = waiting_.blocked_of(queue);
    const std::size_t limit = waiting_.places().limit_of_queue(queue);
    if (limit > 0) {
        const std::size_t more = at_hand() * std::min(limit, config_.concurrency);
        const std::size_t held = waiting_.places().held_by_queue(queue);
        keep_below(limit + more / config_.concurrency, held + blocked);
    }
    const bool may_block = limit > 0 || config_.limits_handlers || config_.group_concurrency > 0;
    if (!may_block) return most;
    if (is_crowded(queue)) return config_.looks_past && next_look(queue) <= now ? most : 0;
    keep_below(blocked_max(), blocked);
    return most;
}

/// Who may ask now, and could not before.
void Board::invite_receivers(Moment now) {
    if (idle_receivers_ == 0) return;
    const std::size_t free = room();
    if (free == 0) return;
    const auto most = [this, now](std::size_t queue) {
        return most_of(queue, now);
    };
    if (asking_.distribute(free, now, most)) room_came_.notify_all();
}

Grant Board::wait_for_room(std::size_t queue) {
    std::unique_lock lock(mutex_);
    ++idle_receivers_;
    asking_.want(queue);
    Grant grant;
    while (!is_closed_) {
        const Moment now = Steady::now();
        invite_receivers(now);
        if (const auto granted = asking_.take(queue)) {
            grant = *granted;
            if (is_crowded(queue)) grant.jobs = std::max(grant.jobs, looks_[queue]);
            break;
        }
        const Moment chance = next_chance(queue, now);
        if (chance != Moment::max()) {
            room_came_.wait_until(lock, chance);
        } else {
            room_came_.wait(lock);
        }
    }
    --idle_receivers_;
    return grant;
}

/// When the queue may be asked though nothing else happens before; Moment::max(): it may not.
Moment Board::next_chance(std::size_t queue, Moment now) const {
    Moment chance = asking_.rests_until(queue);
    if (is_crowded(queue)) {
        if (!config_.looks_past) return Moment::max();
        chance = std::max(chance, next_look(queue));
    }
    return chance > now ? chance : Moment::max();
}

void Board::take_in(std::size_t queue, std::span<const std::shared_ptr<Task>> tasks, Moment now) {
    const bool looked = is_crowded(queue);
    const auto waited =
        std::chrono::ceil<Milliseconds>(now - std::min(waiting_.oldest_blocked(queue), now));
    bool any_may_begin = false;
    for (const auto& task : tasks) {
        const bool was_crowded = is_crowded(queue);
        if (waiting_.add(task, queue, now)) {
            any_may_begin = true;
        } else if (was_crowded && config_.looks_past) {
            put_off_.push_back(
                {.task = waiting_.take_newest_blocked(queue),
                 .time = std::clamp(waited, put_off_min, put_off_max)}
            );
        }
    }
    std::size_t& look = looks_[queue];
    if (!looked || any_may_begin) {
        look = 0;
    } else if (!tasks.empty()) {
        look = std::min(
            {2 * std::max(look, tasks.size()), looks_max * blocked_max(), config_.batch_max}
        );
        asking_.rest(queue, now + rest_after_blocked);
    }
}

bool Board::add(std::size_t queue, std::span<const std::shared_ptr<Task>> tasks) {
    const Moment now = Steady::now();
    std::unique_lock lock(mutex_);
    asking_.answered(queue, tasks.size());
    if (is_closed_) return tasks.empty();
    take_in(queue, tasks, now);
    ready_runs_ = waiting_.ready_runs();
    const std::size_t can_begin = std::min(idle_executors_, waiting_.ready_runs());
    const bool some_wait = waiting_.ready_runs() > can_begin || waiting_.blocked_of(queue) > 0;
    const bool must_watch = some_wait && next_overdue() < overdue_wakes_at_;
    // Room was kept for more than has come.
    invite_receivers(now);
    lock.unlock();
    for (std::size_t i = 0; i < can_begin; ++i)
        work_came_.notify_one();
    if (must_watch) overdue_changed_.notify_one();
    return true;
}

/// For what came free without anybody having come for it.
void Board::wake_executors() {
    const std::size_t can_begin = std::min(idle_executors_, waiting_.ready_runs());
    for (std::size_t i = 0; i < can_begin; ++i)
        work_came_.notify_one();
}

void Board::begin(Slot& slot, const Work& work, Moment now) {
    slot = {.task = work.task, .begun_at = now};
    ++running_;
    Task& task = *work.task;
    if (std::exchange(task.has_begun, true)) return;
    task.begun_at.store(now, std::memory_order_relaxed);
    if (task.timeout().count() == 0) return;
    task.times_out_at = now + task.timeout();
    if (*task.times_out_at < overdue_wakes_at_) overdue_changed_.notify_one();
}

void Board::end(Slot& slot, Moment now) {
    const double micros = Micros(now - slot.begun_at).count();
    usual_micros_ += (micros - usual_micros_) * newest_weight;
    slot = {};
    --running_;
}

void Board::end_work(const Work& done, std::optional<std::uint32_t> next, Moment now) {
    if (next) return waiting_.add_run({done.task, *next});
    const std::size_t blocked = waiting_.blocked();
    waiting_.ended(*done.task, now);
    if (waiting_.blocked() == blocked) return;
    // Others may be needed for what has a place now.
    wake_executors();
    if (next_overdue() < overdue_wakes_at_) overdue_changed_.notify_one();
}

bool Board::exchange(std::size_t slot, Work& work, std::optional<std::uint32_t> next) {
    // Destroyed outside of the lock.
    const Work done = std::exchange(work, {});
    Moment now = Steady::now();
    std::unique_lock lock(mutex_);
    if (done.task) {
        end(slots_[slot], now);
        end_work(done, next, now);
    }
    if (!waiting_.is_ready()) {
        if (running_ == 0) became_idle_.notify_all();
        ready_runs_ = 0;
        invite_receivers(now);
        lock.unlock();
        out_of_work_();
        lock.lock();
        ++idle_executors_;
        work_came_.wait(lock, [this] { return is_closed_ || waiting_.is_ready(); });
        --idle_executors_;
        if (!waiting_.is_ready()) return false;
        now = Steady::now();
    }
    work = waiting_.take();
    ready_runs_ = waiting_.ready_runs();
    begin(slots_[slot], work, now);
    invite_receivers(now);
    return true;
}

Moment Board::next_overdue() const {
    if (!put_off_.empty()) return Moment();
    Moment next = waiting_.next_overdue();
    for (const Slot& slot : slots_) {
        if (slot.task && slot.task->times_out_at) next = std::min(next, *slot.task->times_out_at);
    }
    return next;
}

Board::Overdue Board::wait_for_overdue(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    Overdue overdue;
    while (!stop.stop_requested()) {
        const Moment now = Steady::now();
        take_timed_out(now, overdue);
        take_unstarted(now, overdue);
        overdue.put_off.swap(put_off_);
        if (!overdue.empty()) break;
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
        Task& task = *slot.task;
        if (std::exchange(task.has_timed_out, true)) {
            task.times_out_at.reset();
            overdue.deaf.push_back(slot.task);
        } else {
            task.times_out_at = now + config_.stop_grace;
            overdue.timed_out.push_back(slot.task);
        }
    }
}

void Board::take_unstarted(Moment now, Overdue& overdue) {
    Waiting::Overdue unstarted = waiting_.take_overdue(now);
    if (!unstarted.ready.empty()) usual_micros_ = presumed_micros;
    for (const auto& task : unstarted.blocked)
        asking_.rest(task->seat.queue, now + rest_after_blocked);
    if (!unstarted.blocked.empty()) room_came_.notify_all();
    overdue.unstarted = std::move(unstarted.ready);
    std::ranges::move(unstarted.blocked, std::back_inserter(overdue.unstarted));
    if (overdue.unstarted.empty()) return;
    ready_runs_ = waiting_.ready_runs();
    wake_executors();
    invite_receivers(now);
}

std::vector<std::shared_ptr<Task>> Board::close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    room_came_.notify_all();
    work_came_.notify_all();
    auto unstarted = waiting_.take_unstarted();
    ready_runs_ = waiting_.ready_runs();
    for (PutOff& one : put_off_)
        unstarted.push_back(std::move(one.task));
    put_off_.clear();
    return unstarted;
}

bool Board::wait_until_idle(Moment until) {
    std::unique_lock lock(mutex_);
    return became_idle_.wait_until(lock, until, [this] {
        return running_ == 0 && !waiting_.is_ready();
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
    return {.running = running_, .waiting = waiting_.ready_runs(), .blocked = waiting_.blocked()};
}

Places::Held Board::held() const {
    const std::lock_guard lock(mutex_);
    return waiting_.places().held();
}

}  // namespace tranter::worker
