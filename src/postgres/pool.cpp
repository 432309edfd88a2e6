#include "postgres/pool.hpp"

#include "base/log.hpp"

#include <utility>

namespace tranter::postgres {

Pool::Pool(Target target, std::string what, std::size_t most)
    : target_(std::move(target)), what_(std::move(what)), most_(most) {}

Pool::~Pool() = default;

Pool::Slot Pool::take() {
    std::unique_lock lock(mutex_);
    if (used_ >= most_) ++counts_.waits;
    given_back_.wait(lock, [this] { return used_ < most_; });
    ++used_;
    while (!idle_.empty()) {
        Slot slot = std::move(idle_.back());
        idle_.pop_back();
        if (slot.connection->is_still_alive()) return slot;
    }
    const std::uint64_t generation = generation_;
    if (!retries_.are_due()) {
        --used_;
        given_back_.notify_one();
        throw DatabaseError(last_error_);
    }
    ++connecting_;
    lock.unlock();
    return made(generation);
}

Pool::Slot Pool::made(std::uint64_t generation) {
    try {
        Slot slot{.connection = std::make_unique<Connection>(target_), .generation = generation};
        const std::lock_guard lock(mutex_);
        --connecting_;
        ++counts_.made;
        retries_.succeeded();
        if (std::exchange(was_lost_, false)) {
            log_info("postgres", "connected again", {{"for", what_}});
        }
        return slot;
    } catch (const DatabaseError& error) {
        const std::lock_guard lock(mutex_);
        --connecting_;
        ++counts_.failed;
        --used_;
        given_back_.notify_one();
        retries_.failed();
        const bool is_locked_out = error.trouble() == Trouble::locked_out;
        last_error_ = {is_locked_out ? Trouble::locked_out : Trouble::away, error.what()};
        was_lost_ = true;
        throw DatabaseError(last_error_);
    }
}

void Pool::give_back(Slot slot) noexcept {
    bool is_usable = false;
    try {
        if (slot.connection->is_alive()) slot.connection->rollback();
        is_usable = slot.connection->is_alive();
    } catch (const DatabaseError&) {
        // The server undoes what a lost connection had begun.
    }
    if (!is_usable) slot.connection.reset();
    const std::lock_guard lock(mutex_);
    --used_;
    if (is_usable && slot.generation == generation_) idle_.push_back(std::move(slot));
    given_back_.notify_one();
}

bool Pool::is_worth_it(const DatabaseError& error, int tries, bool may_repeat_lost) {
    count(error);
    const bool is_lost = error.trouble() == Trouble::lost;
    if (is_lost) {
        log_warn("postgres", "connection lost", {{"for", what_}, {"error", error.what()}});
        const std::lock_guard lock(mutex_);
        was_lost_ = true;
        ++generation_;  // the others may be lost too, as when a server ends
        idle_.clear();
    }
    if (tries >= tries_max) return false;
    return error.trouble() == Trouble::collision || (is_lost && may_repeat_lost);
}

void Pool::count(const DatabaseError& error) {
    const std::lock_guard lock(mutex_);
    ++counts_.errors[static_cast<std::size_t>(error.trouble())];
}

PoolMetrics Pool::metrics() const {
    const std::lock_guard lock(mutex_);
    PoolMetrics metrics = counts_;
    metrics.busy = used_ - connecting_;
    metrics.open = metrics.busy + idle_.size();
    return metrics;
}

}  // namespace tranter::postgres
