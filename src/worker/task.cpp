#include "worker/task.hpp"

#include "base/log.hpp"
#include "worker/conclusion.hpp"

#include <tranter/exception.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::worker {

namespace {

// A handler that logs faster than the store can take it waits from here on.
constexpr std::size_t lines_unsent_max = 1000;

/// What the handler's options say about runs goes before what the job says, but for a limit: both
/// hold.
ReceivedJob with_runs_of(const Registry::Entry* entry, ReceivedJob job) {
    if (entry == nullptr) return job;
    if (entry->options.runs > 0) job.options.runs = entry->options.runs;
    if (const std::uint32_t limit = entry->options.max_parallel_runs; limit > 0) {
        std::uint32_t& at_a_time = job.options.max_parallel_runs;
        at_a_time = at_a_time == 0 ? limit : std::min(at_a_time, limit);
    }
    if (entry->options.success) job.options.success = *entry->options.success;
    return job;
}

void say_dropped(const ReceivedJob& job, std::string_view what, const Error& error) {
    log_debug(
        "worker",
        "the store did not take what a handler reported",
        {{"job_id", job.id}, {"what", what}, {"error", error.message()}}
    );
}

}  // namespace

Task::Task(ReceivedJob job, const Registry::Entry* entry, Surroundings& surroundings)
    : job_(with_runs_of(entry, std::move(job))),
      entry_(entry),
      surroundings_(surroundings),
      runs_begun_(first_runs()) {
    if (job_.options.runs > 1) runs_.resize(job_.options.runs, Released{});
}

bool Task::claim_for(AttemptOutcome outcome) {
    const std::lock_guard lock(mutex_);
    if (!claim()) return false;
    outcome_.emplace(std::move(outcome));
    return true;
}

std::optional<AttemptOutcome> Task::take_outcome() {
    const std::lock_guard lock(mutex_);
    std::optional<AttemptOutcome> outcome;
    outcome.swap(outcome_);
    return outcome;
}

void Task::stop(StopReason reason) {
    StopReason none = StopReason::none;
    if (reason_.compare_exchange_strong(none, reason)) stop_.request_stop();
}

std::uint32_t Task::first_runs() const {
    const std::uint32_t runs = std::max<std::uint32_t>(1, job_.options.runs);
    const std::uint32_t at_a_time = job_.options.max_parallel_runs;
    return at_a_time == 0 ? runs : std::min(runs, at_a_time);
}

Task::AfterRun Task::end_run(std::uint32_t run, AttemptOutcome outcome) {
    if (job_.options.runs <= 1) return {.end = std::move(outcome), .is_last = true};
    AfterRun after;
    bool is_decided = false;
    {
        const std::lock_guard lock(mutex_);
        after = keep_run(run, std::move(outcome));
        after.is_last = runs_ended_ == runs_begun_;
        is_decided = decision_ != Decision::open && runs_ended_ < runs_begun_;
    }
    if (is_decided) stop(StopReason::decided);
    return after;
}

Task::AfterRun Task::keep_run(std::uint32_t run, AttemptOutcome outcome) {
    ++runs_ended_;
    if (decision_ == Decision::success) return {};
    const bool is_completed = std::holds_alternative<Completed>(outcome);
    if (is_completed) ++runs_completed_;
    // What a run says after it was asked to stop is no reason for the failure, unless it is dead.
    const bool counts = decision_ == Decision::open || std::holds_alternative<Dead>(outcome);
    if (counts) runs_[run - 1] = std::move(outcome);
    if (decision_ == Decision::open) decide();
    if (decision_ == Decision::success) return {.end = combine(std::move(runs_), job_.options)};
    const bool may_go_on = decision_ == Decision::open && reason_ == StopReason::none;
    if (may_go_on && runs_begun_ < job_.options.runs) return {.next = ++runs_begun_};
    if (runs_ended_ < runs_begun_) return {};
    return {.end = combine(std::move(runs_), job_.options)};
}

void Task::decide() {
    const std::uint32_t runs = job_.options.runs;
    const std::uint32_t needed = job_.options.success.needed_of(runs);
    if (runs_completed_ >= needed) {
        decision_ = Decision::success;
    } else if (runs_ended_ - runs_completed_ > runs - needed) {
        decision_ = Decision::failure;
    }
}

void Task::log(std::string line) {
    bool is_first = false;
    bool is_full = false;
    {
        const std::lock_guard lock(mutex_);
        is_first = lines_.empty() && !progress_;
        lines_.push_back(presentable(line));
        is_full = lines_.size() >= lines_unsent_max;
    }
    if (is_full) return flush();
    if (is_first) surroundings_.wants_flush(shared_from_this());
}

void Task::set_progress(std::string json) {
    if (json.size() > progress_bytes_max) {
        throw Exception(Error(
            Errc::invalid_argument,
            fmt::format("progress is {} bytes, limit is {}", json.size(), progress_bytes_max)
        ));
    }
    bool is_first = false;
    {
        const std::lock_guard lock(mutex_);
        is_first = lines_.empty() && !progress_;
        progress_ = std::move(json);
    }
    if (is_first) surroundings_.wants_flush(shared_from_this());
}

void Task::flush() {
    const std::lock_guard flushing(flushing_);
    std::vector<std::string> lines;
    std::optional<std::string> progress;
    {
        const std::lock_guard lock(mutex_);
        lines.swap(lines_);
        progress.swap(progress_);
    }
    Provider& provider = surroundings_.provider;
    if (!provider.capabilities().progress) {
        for (const std::string& line : lines)
            log_info("worker", "a handler says", {{"job_id", job_.id}, {"line", line}});
        return;
    }
    if (!lines.empty()) {
        const auto done = provider.append_log(job_.queue, job_.receipt, lines);
        if (!done) say_dropped(job_, "lines", done.error());
    }
    if (progress) {
        const auto done = provider.set_progress(job_.queue, job_.receipt, *progress);
        if (!done) say_dropped(job_, "progress", done.error());
    }
}

std::optional<std::string> Task::find_step(std::string_view name) {
    const auto in = [&](const std::vector<Step>& steps) -> std::optional<std::string> {
        const auto found = std::ranges::find(steps, name, &Step::name);
        if (found == steps.end()) return std::nullopt;
        return found->result;
    };
    if (auto earlier = in(job_.steps)) return earlier;
    const std::lock_guard lock(mutex_);
    return in(new_steps_);
}

Result<> Task::save_step(Step step) {
    auto saved = surroundings_.provider.save_step(job_.queue, job_.receipt, step);
    if (!saved) {
        return fail(
            saved.error().code(),
            fmt::format("step {} cannot be kept: {}", step.name, saved.error().message())
        );
    }
    const std::lock_guard lock(mutex_);
    new_steps_.push_back(std::move(step));
    return {};
}

}  // namespace tranter::worker
