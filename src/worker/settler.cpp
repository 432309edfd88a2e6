#include "worker/settler.hpp"

#include "worker/conclusion.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;

// For more outcomes to share a call. Nobody notices while more jobs wait anyway, and a call costs
// about as much as to start a program.
constexpr auto company_wait = 10ms;
constexpr std::size_t pending_batches_max = 8;

}  // namespace

void Settler::Batch::move_to(Batch& other, std::size_t i) {
    other.tasks.push_back(std::move(tasks[i]));
    other.settlements.push_back(std::move(settlements[i]));
}

void Settler::Batch::move_all_to(Batch& other) {
    if (other.empty()) {
        other = std::move(*this);
    } else {
        for (std::size_t i = 0; i < size(); ++i)
            move_to(other, i);
    }
    *this = {};
}

Settler::Settler(Provider& provider, Config config, Leases& leases, Tally& tally, StoreWatch& watch)
    : provider_(provider),
      config_(std::move(config)),
      leases_(leases),
      tally_(tally),
      watch_(watch) {}

void Settler::push(std::shared_ptr<Task> task, AttemptOutcome outcome) {
    const ReceivedJob& job = task->job();
    task->ended_at.store(Steady::now(), std::memory_order_relaxed);
    if (is_settled(outcome)) {
        leases_.remove({&task, 1});
        return tally_.add(*task, outcome);
    }
    Settlement settlement{job.receipt, std::move(outcome)};
    const std::lock_guard lock(mutex_);
    auto found = pending_.find(job.queue);
    if (found == pending_.end()) found = pending_.try_emplace(job.queue).first;
    found->second.tasks.push_back(std::move(task));
    found->second.settlements.push_back(std::move(settlement));
    ++pending_count_;
    const bool is_enough = waiting_ == Waiting::for_first ||
                           (waiting_ == Waiting::for_more && pending_count_ >= config_.batch_max);
    if (!is_enough) return;
    waiting_ = Waiting::no;
    changed_.notify_one();
}

void Settler::hurry() {
    const std::lock_guard lock(mutex_);
    if (waiting_ != Waiting::for_more) return;
    waiting_ = Waiting::no;
    changed_.notify_one();
}

void Settler::wait_for_space(std::string_view queue, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const std::size_t enough = pending_batches_max * config_.batch_max;
    space_came_.wait(lock, stop, [&] {
        const auto late = late_counts_.find(queue);
        return pending_count_ < enough && (late == late_counts_.end() || late->second < enough);
    });
}

Settler::ByQueue Settler::take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    waiting_ = Waiting::for_first;
    const auto is_any = [this] {
        return pending_count_ > 0;
    };
    if (late_.empty()) {
        changed_.wait(lock, stop, is_any);
    } else if (!stop.stop_requested()) {
        changed_.wait_until(lock, stop, next_try(), is_any);
    } else {
        const Moment soon = Steady::now() + first_settle_rest;
        changed_.wait_until(lock, std::min(next_try(), soon), is_any);
    }
    const bool is_small = pending_count_ > 0 && pending_count_ < config_.batch_max;
    if (is_small && config_.more_is_coming()) {
        waiting_ = Waiting::for_more;
        changed_.wait_for(lock, stop, company_wait, [this] { return waiting_ == Waiting::no; });
    }
    waiting_ = Waiting::no;
    if (pending_count_ >= config_.batch_max) space_came_.notify_all();
    pending_count_ = 0;
    return std::exchange(pending_, {});
}

void Settler::deliver_all(const std::stop_token& stop) {
    // What the store does not take would be renewed for ever.
    const std::stop_callback ending(stop, [this] {
        report_until_ = Steady::now() + leases_.lease() / 3;
        leases_.let_end();
    });
    while (true) {
        ByQueue batches = take(stop);
        if (batches.empty() && late_.empty()) return;
        for (auto& [queue, batch] : batches) {
            if (const auto late = late_.find(queue); late != late_.end()) {
                batch.move_all_to(late->second.batch);
                count_late(queue, late->second.batch.size());
            } else if (Batch left = deliver(std::move(batch), stop); !left.empty()) {
                put_aside(queue, late_[queue], std::move(left), stop);
            }
        }
        retry_late(stop);
    }
}

void Settler::retry_late(const std::stop_token& stop) {
    const Moment now = Steady::now();
    for (auto place = late_.begin(); place != late_.end();) {
        auto& [queue, late] = *place;
        // At the end there is no time for a rest that was meant to be long.
        const bool is_due = late.next_try <= now ||
                            (stop.stop_requested() && late.next_try > now + first_settle_rest);
        if (is_due) {
            give_up_ended(late.batch, false);
            const std::size_t count = late.batch.size();
            Batch left = deliver(std::move(late.batch), stop);
            if (left.size() < count) late.backoff.reset();
            put_aside(queue, late, std::move(left), stop);
        }
        place = late.batch.empty() ? late_.erase(place) : std::next(place);
    }
}

void Settler::put_aside(
    const std::string& queue, Late& late, Batch batch, const std::stop_token& stop
) {
    late.batch = std::move(batch);
    Milliseconds rest = late.backoff.next();
    if (stop.stop_requested()) rest = std::min(rest, first_settle_rest);
    late.next_try = Steady::now() + rest;
    count_late(queue, late.batch.size());
}

Moment Settler::next_try() const {
    Moment next = Moment::max();
    for (const auto& [queue, late] : late_)
        next = std::min(next, late.next_try);
    return next;
}

void Settler::count_late(const std::string& queue, std::size_t count) {
    const std::lock_guard lock(mutex_);
    if (count > 0) {
        late_counts_[queue] = count;
    } else {
        late_counts_.erase(queue);
    }
    space_came_.notify_all();
}

Settler::Batch Settler::deliver(Batch batch, const std::stop_token& stop) {
    if (batch.empty()) return batch;
    report(batch, stop);
    Batch left = try_all(std::move(batch));
    give_up_ended(left, stop.stop_requested());
    return left;
}

/// What handlers have said is told first: of what has ended the store takes nothing any more.
void Settler::report(const Batch& batch, const std::stop_token& stop) {
    for (const auto& task : batch.tasks) {
        if (stop.stop_requested() && Steady::now() > report_until_.load()) return;
        task->flush();
    }
}

Settler::Batch Settler::try_all(Batch batch) {
    if (batch.size() <= config_.batch_max) return try_once(std::move(batch));
    Batch left;
    bool is_answered = true;
    for (std::size_t begin = 0; begin < batch.size(); begin += config_.batch_max) {
        const std::size_t end = std::min(batch.size(), begin + config_.batch_max);
        Batch part;
        part.tasks.reserve(end - begin);
        part.settlements.reserve(end - begin);
        for (std::size_t i = begin; i < end; ++i)
            batch.move_to(part, i);
        if (is_answered) part = try_once(std::move(part));
        // Of a store that takes nothing, the others are not asked for either.
        if (part.size() == end - begin) is_answered = false;
        part.move_all_to(left);
    }
    return left;
}

Settler::Batch Settler::try_once(Batch batch) {
    const Moment asked_at = Steady::now();
    const std::string queue = batch.tasks.front()->job().queue;
    const auto answers = provider_.settle(queue, batch.settlements);
    const bool fits = answers && answers->size() == batch.size();
    if (const auto error = temporary_of(answers, batch.size())) {
        watch_.failed(StoreCall::settle, queue, *error);
    } else {
        watch_.answered_in(StoreCall::settle, queue, Steady::now() - asked_at);
    }
    if (!fits && (answers || is_temporary(answers.error()))) return batch;
    if (!fits && batch.size() > 1) return try_each(std::move(batch));
    Batch again;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Result<> answer = fits ? (*answers)[i] : std::unexpected(answers.error());
        const bool is_done = conclude(*batch.tasks[i], batch.settlements[i], answer);
        if (!is_done) batch.move_to(again, i);
    }
    std::erase(batch.tasks, nullptr);  // those that moved
    leases_.remove(batch.tasks);
    return again;
}

/// One of them spoils the call for the others.
Settler::Batch Settler::try_each(Batch batch) {
    Batch again;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Batch alone;
        batch.move_to(alone, i);
        Batch left = try_once(std::move(alone));
        if (!left.empty()) left.move_to(again, 0);
    }
    return again;
}

bool Settler::conclude(const Task& task, Settlement& settlement, const Result<>& answer) {
    if (answer) {
        tally_.add(task, settlement.outcome);
        return true;
    }
    const Error& error = answer.error();
    if (is_temporary(error)) return false;
    const bool is_gone = error.code() == Errc::conflict || error.code() == Errc::not_found;
    if (is_gone || std::holds_alternative<Dead>(settlement.outcome)) {
        give_up(task, error.message());
        return true;
    }
    settlement.outcome =
        Dead{.type = "outcome", .reason = "the store refused the outcome: " + error.message()};
    return false;
}

void Settler::give_up_ended(Batch& batch, bool is_stopping) {
    Batch left;
    Batch ended;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        // Nobody need wait for this one at the end: the store takes it back by itself.
        const bool may_wait = std::holds_alternative<Released>(batch.settlements[i].outcome);
        const bool is_over = (is_stopping && may_wait) || leases_.has_ended(*batch.tasks[i]);
        batch.move_to(is_over ? ended : left, i);
    }
    for (const auto& task : ended.tasks)
        give_up(*task, "the store did not answer until its lease ended");
    leases_.remove(ended.tasks);
    batch = std::move(left);
}

void Settler::give_up(const Task& task, std::string_view why) {
    tally_.add_lost(task, why, false);
}

}  // namespace tranter::worker
