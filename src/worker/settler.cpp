#include "worker/settler.hpp"

#include "base/log.hpp"
#include "worker/backoff.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;

// For more outcomes to share a call.
constexpr auto company_wait = 200us;
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
    Settlement settlement{task->job().receipt, std::move(outcome)};
    const std::lock_guard lock(mutex_);
    pending_.tasks.push_back(std::move(task));
    pending_.settlements.push_back(std::move(settlement));
    const bool is_enough = waiting_ == Waiting::for_first ||
                           (waiting_ == Waiting::for_more && pending_.size() >= config_.batch_max);
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

Settler::Batch Settler::take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    waiting_ = Waiting::for_first;
    changed_.wait(lock, stop, [this] { return !pending_.empty(); });
    if (!pending_.empty() && pending_.size() < config_.batch_max && config_.more_is_coming()) {
        waiting_ = Waiting::for_more;
        changed_.wait_for(lock, stop, company_wait, [this] { return waiting_ == Waiting::no; });
    }
    waiting_ = Waiting::no;
    return std::exchange(pending_, {});
}

void Settler::deliver_all(const std::stop_token& stop) {
    while (true) {
        Batch batch = take(stop);
        if (batch.empty()) return;
        deliver(std::move(batch), stop);
    }
}

void Settler::deliver(Batch batch, const std::stop_token& stop) {
    while (!batch.empty()) {
        const std::string queue = batch.tasks.front()->job().queue;
        Batch now;
        Batch later;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const bool fits =
                now.size() < config_.batch_max && batch.tasks[i]->job().queue == queue;
            batch.move_to(fits ? now : later, i);
        }
        deliver_to_queue(std::move(now), stop);
        batch = std::move(later);
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
    const auto answers = provider_.settle(batch.tasks.front()->job().queue, batch.settlements);
    const bool fits = answers && answers->size() == batch.size();
    if (!fits && (answers || is_temporary(answers.error()))) {
        if (!answers) watch_.failed("settle", answers.error());
        return batch;
    }
    watch_.answered();
    if (!fits && batch.size() > 1) return try_each(std::move(batch));
    Batch done;
    Batch again;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Result<> answer = fits ? (*answers)[i] : std::unexpected(answers.error());
        const bool is_done = conclude(*batch.tasks[i], batch.settlements[i], answer);
        batch.move_to(is_done ? done : again, i);
    }
    leases_.remove(done.tasks);
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
        tally_.add(task.job(), settlement.outcome);
        return true;
    }
    const Error& error = answer.error();
    if (is_temporary(error)) {
        watch_.failed("settle", error);
        return false;
    }
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
    tally_.add_lost();
    log_warn(
        "worker",
        "the outcome of an attempt is lost",
        {{"job", task.job().id},
         {"type", task.job().type},
         {"attempt", task.job().attempt},
         {"error", why}}
    );
}

void Settler::rest(Milliseconds time, const std::stop_token& stop) {
    if (stop.stop_requested()) {
        std::this_thread::sleep_for(std::min<Milliseconds>(time, first_settle_rest));
        return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace tranter::worker
