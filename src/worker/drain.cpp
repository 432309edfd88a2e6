#include "worker/drain.hpp"

#include "worker/conclusion.hpp"
#include "worker/task.hpp"
#include "worker/turns.hpp"

#include <tranter/exception.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>

namespace tranter::worker {

namespace {

class Drain {
  public:
    Drain(Provider& provider, const Registry& handlers, const WorkerOptions& options)
        : provider_(provider),
          handlers_(handlers),
          options_(options),
          runner_(handlers, options.unknown_type, provider.capabilities().ttl),
          surroundings_{
              provider,
              [](const std::shared_ptr<Task>&) {
              }},
          turns_(weights_of(options.queues), options.queue_order) {}

    WorkerCounts until_empty(const DrainOptions& bounds) {
        const TimePoint last = now() + bounds.time_max;
        do {
            while (run_next()) {
                if (attempts_ > bounds.attempts_max) refuse_more(bounds.attempts_max);
            }
        } while (advance(last));
        return tally_.counts();
    }

  private:
    TimePoint now() const {
        const VirtualTime* time = provider_.virtual_time();
        if (time != nullptr) return time->now();
        return std::chrono::time_point_cast<std::chrono::microseconds>(
            std::chrono::system_clock::now()
        );
    }

    /// Whether any queue had a job.
    bool run_next() {
        std::vector<bool> is_empty(options_.queues.size());
        const auto may_have_one = [&is_empty](std::size_t queue) {
            return !is_empty[queue];
        };
        while (const auto queue = turns_.next(may_have_one)) {
            auto job = receive_from(options_.queues[*queue].name);
            if (job) {
                run(std::move(*job));
                return true;
            }
            is_empty[*queue] = true;
        }
        return false;
    }

    std::optional<ReceivedJob> receive_from(const std::string& queue) {
        auto jobs =
            provider_.receive({.queue = queue, .lease = options_.lease, .worker = options_.name});
        if (!jobs && jobs.error().code() == Errc::not_found) return std::nullopt;
        auto received = or_throw(std::move(jobs));
        if (received.empty()) return std::nullopt;
        ++attempts_;
        return std::move(received.front());
    }

    void run(ReceivedJob job) {
        const auto* entry = handlers_.find(job.type);
        const auto task = std::make_shared<Task>(std::move(job), entry, surroundings_);
        std::deque<std::uint32_t> due;
        for (std::uint32_t run = 1; run <= task->first_runs(); ++run)
            due.push_back(run);
        while (!due.empty()) {
            const std::uint32_t run = due.front();
            due.pop_front();
            Task::AfterRun after = task->end_run(run, runner_.execute(*task, run, now()));
            if (after.next) due.push_back(*after.next);
            if (after.end) settle(*task, std::move(*after.end));
        }
    }

    void settle(Task& task, AttemptOutcome outcome) {
        if (is_settled(outcome)) return tally_.add(task, outcome);
        task.flush();
        const ReceivedJob& job = task.job();
        outcome = conclude(job, task.options(), task.stop_reason(), std::move(outcome), random_());
        const Settlement settlement{job.receipt, std::move(outcome)};
        const auto answers = or_throw(provider_.settle(job.queue, std::span(&settlement, 1)));
        if (answers.empty() || !answers.front()) {
            tally_.add_lost(
                task,
                answers.empty() ? std::string_view() : answers.front().error().message(),
                false
            );
        } else {
            tally_.add(task, settlement.outcome);
        }
    }

    /// Whether time has passed.
    bool advance(TimePoint last) {
        VirtualTime* time = provider_.virtual_time();
        if (time == nullptr) return false;
        const std::optional<TimePoint> next = time->next_event();
        if (!next || *next > last) return false;
        time->advance_to(*next);
        return true;
    }

    [[noreturn]] static void refuse_more(std::size_t attempts_max) {
        throw Exception(Error(
            Errc::limit_exceeded,
            fmt::format("there is still work after {} attempts, which is the limit", attempts_max)
        ));
    }

    Provider& provider_;
    const Registry& handlers_;
    const WorkerOptions& options_;
    const Runner runner_;
    Task::Surroundings surroundings_;
    Turns turns_;
    Tally tally_;
    std::mt19937_64 random_;  // always the same numbers
    std::size_t attempts_ = 0;
};

}  // namespace

WorkerCounts drain(
    Provider& provider,
    const Registry& handlers,
    const WorkerOptions& options,
    const DrainOptions& bounds
) {
    return Drain(provider, handlers, options).until_empty(bounds);
}

}  // namespace tranter::worker
