#include "worker/settler.hpp"

#include "base/stop.hpp"
#include "worker/backoff.hpp"
#include "worker/conclusion.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
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
constexpr auto first_settle_rest = 50ms;
constexpr auto longest_settle_rest = 5000ms;

}  // namespace

void Settler::Batch::move_to(Batch& other, std::size_t i) {
    other.tasks.push_back(std::move(tasks[i]));
    other.settlements.push_back(std::move(settlements[i]));
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

void Settler::wait_for_space(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const std::size_t enough = pending_batches_max * config_.batch_max;
    space_came_.wait(lock, stop, [&] { return pending_count_ < enough; });
}

Settler::ByQueue Settler::take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    waiting_ = Waiting::for_first;
    changed_.wait(lock, stop, [this] { return pending_count_ > 0; });
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
    while (true) {
        ByQueue batches = take(stop);
        if (batches.empty()) return;
        for (auto& [queue, batch] : batches)
            deliver(std::move(batch), stop);
    }
}

void Settler::deliver(Batch batch, const std::stop_token& stop) {
    if (batch.size() <= config_.batch_max) return deliver_to_queue(std::move(batch), stop);
    for (std::size_t begin = 0; begin < batch.size(); begin += config_.batch_max) {
        const std::size_t end = std::min(batch.size(), begin + config_.batch_max);
        Batch part;
        part.tasks.reserve(end - begin);
        part.settlements.reserve(end - begin);
        for (std::size_t i = begin; i < end; ++i)
            batch.move_to(part, i);
        deliver_to_queue(std::move(part), stop);
    }
}

void Settler::deliver_to_queue(Batch batch, const std::stop_token& stop) {
    for (const auto& task : batch.tasks)
        task->flush();
    Backoff backoff(first_settle_rest, longest_settle_rest);
    while (true) {
        batch = try_once(std::move(batch));
        give_up_ended(batch, stop.stop_requested());
        if (batch.empty()) return;
        rest(backoff.next(), stop);
    }
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

void Settler::rest(Milliseconds time, const std::stop_token& stop) {
    if (stop.stop_requested()) {
        std::this_thread::sleep_for(std::min<Milliseconds>(time, first_settle_rest));
        return;
    }
    tranter::rest(time, stop);
}

}  // namespace tranter::worker
