#include "worker/session.hpp"

#include "base/duration.hpp"
#include "base/log.hpp"
#include "base/stop.hpp"
#include "worker/backoff.hpp"
#include "worker/conclusion.hpp"

#include <tranter/version.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <utility>

namespace tranter::worker {

namespace {

using namespace std::chrono_literals;

constexpr auto stuck_after = 60s;
constexpr auto receivers_patience = 1s;
constexpr auto first_receive_rest = 100ms;
constexpr auto longest_receive_rest = 10'000ms;
constexpr auto missing_queue_rest = 1000ms;

std::size_t batch_max_of(const Provider& provider, const WorkerOptions& options) {
    return std::clamp<std::size_t>(provider.capabilities().batch_max, 1, options.batch_max);
}

}  // namespace

Session::Session(
    Provider& provider, const Registry& handlers, const WorkerOptions& options, Tally& tally
)
    : provider_(provider),
      handlers_(handlers),
      options_(options),
      tally_(tally),
      store_watch_(options.lease, tally.observers()),
      leases_(provider, {options.lease, batch_max_of(provider, options)}, tally, store_watch_),
      board_(
          {.concurrency = options.concurrency,
           .queues = options.queues,
           .order = options.queue_order,
           .group_concurrency = options.group_concurrency,
           .batch_max = batch_max_of(provider, options),
           .limits_handlers = handlers.has_limits(),
           .looks_past = provider.capabilities().free_returns,
           .stop_grace = options.stop_grace},
          [this] { settler_.hurry(); }
      ),
      settler_(
          provider,
          {batch_max_of(provider, options),
           [this] {
               return board_.is_busy();
           }},
          leases_,
          tally,
          store_watch_
      ),
      runner_(handlers, options.unknown_type, provider.capabilities().ttl),
      surroundings_{
          provider,
          [this](std::shared_ptr<Task> task) {
              leases_.flush_soon(std::move(task));
          }},
      asking_since_(options.queues.size()) {}

void Session::run(const std::stop_token& stop) {
    try {
        start_threads();
        wait_for_stop(stop);
    } catch (...) {
        end_threads();
        throw;
    }
    end_threads();
}

void Session::start_threads() {
    keeper_ = std::jthread([this](const std::stop_token& stop) { leases_.keep(stop); });
    reporter_ = std::jthread([this](const std::stop_token& stop) { leases_.report(stop); });
    lease_watch_ = std::jthread([this](const std::stop_token& stop) { leases_.watch_ends(stop); });
    settling_ = std::jthread([this](const std::stop_token& stop) { settler_.deliver_all(stop); });
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    for (std::size_t slot = 0; slot < options_.concurrency; ++slot)
        executors_.emplace_back([this, slot] { execute(slot); });
    receivers_left_ = options_.queues.size();
    for (std::size_t queue = 0; queue < options_.queues.size(); ++queue) {
        receivers_.emplace_back([this, queue](const std::stop_token& stop) {
            receive(queue, stop);
            const std::lock_guard lock(receivers_mutex_);
            --receivers_left_;
            receiver_ended_.notify_all();
        });
    }
}

void Session::end_threads() {
    for (std::jthread& receiver : receivers_)
        receiver.request_stop();
    auto unstarted = board_.close();
    wait_for_receivers();
    for (auto& task : unstarted)
        give_back(std::move(task));
    stop_running();
    receivers_.clear();
    const auto end = [](std::jthread& thread) {
        thread.request_stop();
        if (thread.joinable()) thread.join();
    };
    // What is not told yet is told together with the outcomes.
    reporter_.request_stop();
    end(settling_);
    end(keeper_);
    end(reporter_);
    end(lease_watch_);
    end(watcher_);
    executors_.clear();
}

/// What goes back now would come again with a call that is still on its way. A store that does not
/// answer is not waited for any longer.
void Session::wait_for_receivers() {
    std::unique_lock lock(receivers_mutex_);
    receiver_ended_.wait_for(lock, receivers_patience, [this] { return receivers_left_ == 0; });
}

void Session::stop_running() {
    if (board_.wait_until_idle(Steady::now() + options_.shutdown_timeout)) return;
    for (const auto& task : board_.running())
        task->stop(StopReason::shutdown);
    if (board_.wait_until_idle(Steady::now() + options_.stop_grace)) return;
    for (const auto& task : board_.running()) {
        log_warn(
            "worker",
            "a handler does not stop, its job goes back and the worker waits for it",
            {{"job_id", task->job().id}, {"job_type", task->job().type}}
        );
        give_back(task);
    }
}

bool Session::is_stuck() const {
    const Moment now = Steady::now();
    return std::ranges::any_of(asking_since_, [&](const std::atomic<Moment>& since) {
        const Moment asked = since;
        return asked != Moment() && now - asked > options_.poll_wait + stuck_after;
    });
}

/// A store may make a queue for whoever waits for its jobs, and so say nothing of a misspelt one.
bool Session::is_missing(const std::string& queue) {
    const auto stats = provider_.stats(queue);
    if (stats || stats.error().code() != Errc::not_found) return false;
    queue_watch_.missing(queue, stats.error());
    return true;
}

Result<std::vector<ReceivedJob>> Session::ask(
    std::size_t queue, Grant grant, bool may_wait, const std::stop_token& stop
) {
    asking_since_[queue] = Steady::now();
    auto jobs = provider_.receive(
        {.queue = options_.queues[queue].name,
         .jobs_max = grant.jobs,
         .lease = options_.lease,
         .wait = grant.may_wait && may_wait ? options_.poll_wait : Milliseconds(),
         .worker = options_.name,
         .worker_concurrency = options_.concurrency,
         .worker_version = std::string(version),
         .stop = stop}
    );
    tally_.polled(Steady::now() - asking_since_[queue].exchange(Moment()));
    return jobs;
}

void Session::receive(std::size_t queue, const std::stop_token& stop) {
    const std::string& name = options_.queues[queue].name;
    Backoff backoff(first_receive_rest, longest_receive_rest);
    Backoff missing_backoff(missing_queue_rest, longest_receive_rest);
    bool is_silent = false;
    bool is_known = false;
    bool is_there = false;
    while (true) {
        settler_.wait_for_space(name, stop);
        const Grant grant = board_.wait_for_room(queue);
        if (grant.jobs == 0) return;
        // Whether it answers again should not take as long as a wait for jobs.
        auto jobs = ask(queue, grant, is_known && !is_silent, stop);
        if (is_silent != !jobs) {
            is_silent = !jobs;
            silent_queues_ += is_silent ? +1 : -1;
        }
        if (!jobs) {
            take_in(queue, {});
            if (jobs.error().code() == Errc::not_found) {
                queue_watch_.missing(name, jobs.error());
                rest(missing_backoff.next(), stop);
            } else if (!stop.stop_requested()) {
                store_watch_.failed(StoreCall::receive, name, jobs.error());
                rest(backoff.next(), stop);
            }
            continue;
        }
        // While it is not there somebody may make it, and then it is.
        if (!jobs->empty() || is_there || !is_missing(name)) {
            queue_watch_.found(name);
            is_there = true;
        }
        is_known = true;
        take_in(queue, std::move(*jobs));
        backoff.reset();
        missing_backoff.reset();
        store_watch_.answered(StoreCall::receive, name);
    }
}

void Session::take_in(std::size_t queue, std::vector<ReceivedJob> jobs) {
    std::vector<std::shared_ptr<Task>> tasks;
    tasks.reserve(jobs.size());
    for (ReceivedJob& job : jobs) {
        const auto* entry = handlers_.find(job.type);
        Tally::Introduction introduction = tally_.introduce(job);
        tasks.push_back(std::make_shared<Task>(std::move(job), entry, surroundings_));
        tasks.back()->enqueued_in = std::move(introduction.enqueued_in);
        tasks.back()->seen_by = introduction.seen_by;
    }
    tally_.meet(tasks);
    leases_.add(tasks);
    if (board_.add(queue, tasks)) return;
    for (const auto& task : tasks)
        give_back(task);
}

void Session::execute(std::size_t slot) {
    std::mt19937_64 random(std::random_device{}());
    Work work;
    std::optional<std::uint32_t> next;
    while (board_.exchange(slot, work, next)) {
        Task& task = *work.task;
        const TimePoint now = runner_.keeps_deadlines()
                                  ? TimePoint()
                                  : std::chrono::time_point_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now()
                                    );
        if (work.run == 1) {
            leases_.begins(task);
            Tally::began(task);
        }
        auto after = task.end_run(work.run, runner_.execute(task, work.run, now));
        next = after.next;
        // What a handler has told the store itself is so, however late it was.
        const bool is_told = after.end && is_settled(*after.end);
        if (after.end && (task.claim() || (is_told && task.take_outcome()))) {
            settler_.push(
                work.task,
                conclude(
                    task.job(), task.options(), task.stop_reason(), std::move(*after.end), random()
                )
            );
        } else if (after.is_last) {
            tell_outcome(work.task);
        }
    }
}

void Session::watch(const std::stop_token& stop) {
    while (true) {
        const Board::Overdue overdue = board_.wait_for_overdue(stop);
        if (overdue.empty()) return;
        for (const auto& task : overdue.timed_out)
            time_out(*task);
        for (const auto& task : overdue.deaf)
            tell_though_it_runs(task);
        for (const auto& task : overdue.unstarted)
            give_back(task);
        for (const Board::PutOff& one : overdue.put_off)
            put_off(one);
    }
}

/// The attempt has ended, but its handlers have not: the store hears of it once they have, so that
/// the next one does not begin beside them, nor another job in the place that its group has.
void Session::time_out(Task& task) {
    Failed failed{
        .type = "timeout",
        .text = fmt::format(
            "the attempt took longer than its timeout {}", format_duration(task.timeout())
        ),
        .retry_after = std::nullopt};
    auto outcome = conclude(
        task.job(), task.options(), task.stop_reason(), std::move(failed), std::random_device{}()
    );
    if (task.claim_for(std::move(outcome))) task.stop(StopReason::timeout);
}

void Session::tell_outcome(std::shared_ptr<Task> task) {
    auto outcome = task->take_outcome();
    if (outcome) settler_.push(std::move(task), std::move(*outcome));
}

void Session::tell_though_it_runs(std::shared_ptr<Task> task) {
    auto outcome = task->take_outcome();
    if (!outcome) return;
    log_warn(
        "worker",
        "a handler does not stop after its timeout, another attempt may begin beside it",
        {{"job_id", task->job().id}, {"job_type", task->job().type}}
    );
    settler_.push(std::move(task), std::move(*outcome));
}

void Session::give_back(std::shared_ptr<Task> task) {
    if (!task->claim()) return tell_outcome(std::move(task));
    settler_.push(std::move(task), Released{});
}

void Session::put_off(Board::PutOff one) {
    if (!one.task->claim()) return;
    settler_.push(std::move(one.task), Snoozed{.after = one.time});
}

}  // namespace tranter::worker
