#include "schedule/promoter.hpp"

#include "base/log.hpp"
#include "jobs/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::chrono::seconds set_aside_rest(10);
constexpr std::chrono::minutes hopeless_rest(1);

NewJob job_of_run(const SlotRun& run) {
    NewJob job{.id = run.job_id, .type = run.type, .payload = run.payload, .options = run.options};
    job.options.tags.push_back(fmt::format("{}{}", schedule_tag, run.key.schedule));
    const auto slot =
        jobs::time_text(run.key.slot.time_since_epoch().count(), {1, 1'000'000}).value_or("");
    job.options.tags.push_back(fmt::format("{}{}", slot_tag, slot));
    return job;
}

}  // namespace

/// A schedule that nothing can be decided for must not be due for ever.
Result<> Promoter::set_aside(Schedule schedule, const Error& error, TimePoint now) {
    ++figures_.errors;
    log_warn(
        "schedule",
        "a schedule cannot run",
        {{"schedule", schedule.definition.name}, {"error", error.message()}}
    );
    schedule.last_error = error.message();
    schedule.next_due = now +
                        (is_hopeless(error.code()) ? hopeless_rest : std::chrono::minutes(0)) +
                        set_aside_rest;
    const auto updated = store_.update(schedule);
    if (updated || updated.error().code() == Errc::conflict ||
        updated.error().code() == Errc::not_found) {
        return {};
    }
    return std::unexpected(updated.error());
}

/// Nothing: it was set aside.
Result<std::optional<Promoter::Decision>> Promoter::decide(
    const Schedule& schedule, TimePoint now
) {
    auto decision = decide_slots(schedule, now);
    if (decision) return std::move(*decision);
    if (auto done = set_aside(schedule, decision.error(), now); !done) {
        return std::unexpected(done.error());
    }
    return std::nullopt;
}

/// Of cancel_other: what runs is told to stop, and what waited is replaced.
Result<> Promoter::make_room(const Decision& decision) {
    if (!decision.cancel_other) return {};
    if (const auto cancelled = provider_.cancel(decision.other_job); !cancelled) {
        const Errc code = cancelled.error().code();
        if (code != Errc::conflict && code != Errc::not_found) {
            ++figures_.errors;
            log_warn(
                "schedule",
                "the job of an earlier slot cannot be cancelled",
                {{"schedule", decision.firing.schedule}, {"error", cancelled.error().message()}}
            );
        }
    }
    const auto open = store_.runs_of(decision.firing.schedule, open_runs_max, true);
    if (!open) return std::unexpected(open.error());
    const TimePoint newest = decision.firing.runs.back().slot;
    for (const SlotRun& run : *open) {
        if (run.state != RunState::buffered || run.key.slot >= newest) continue;
        const auto replaced = store_.release(run.key, std::nullopt, "a later slot took its place");
        if (!replaced) return std::unexpected(replaced.error());
        ++figures_.skipped;
    }
    return {};
}

Result<bool> Promoter::promote() {
    const TimePoint now = now_();
    const auto due = store_.due(now, options_.batch);
    if (!due) return std::unexpected(due.error());
    at_step_(Step::found);
    std::vector<Decision> decisions;
    std::vector<Firing> firings;
    for (const Schedule& schedule : *due) {
        auto decision = decide(schedule, now);
        if (!decision) return std::unexpected(decision.error());
        if (!*decision) continue;
        firings.push_back((*decision)->firing);
        decisions.push_back(std::move(**decision));
    }
    at_step_(Step::decided);
    std::vector<SlotRun> claimed;
    if (!firings.empty()) {
        auto fired = store_.fire(firings, now, now + options_.hold);
        if (!fired) return std::unexpected(fired.error());
        at_step_(Step::fired);
        for (std::size_t i = 0; i < fired->size(); ++i) {
            if (!(*fired)[i].done) continue;
            figures_.missed += firings[i].missed;
            if (auto made = make_room(decisions[i]); !made) return std::unexpected(made.error());
            for (SlotRun& run : (*fired)[i].runs) {
                if (run.state == RunState::skipped) ++figures_.skipped;
                if (run.state == RunState::claimed) claimed.push_back(std::move(run));
            }
        }
    }
    // Those of who died, or of tries that failed.
    auto left = store_.take_runs(now, now + options_.hold, options_.batch);
    if (!left) return std::unexpected(left.error());
    const bool more = due->size() == options_.batch || left->size() == options_.batch;
    std::ranges::move(*left, std::back_inserter(claimed));
    if (auto enqueued = enqueue_runs(std::move(claimed)); !enqueued) {
        return std::unexpected(enqueued.error());
    }
    return more;
}

void Promoter::count_lateness(TimePoint due) {
    ++figures_.enqueued;
    figures_.lateness = std::chrono::floor<Milliseconds>(now_() - due);
}

Result<> Promoter::enqueue_runs(std::vector<SlotRun> runs) {
    if (runs.empty()) return {};
    std::vector<Parcel> parcels;
    parcels.reserve(runs.size());
    for (const SlotRun& run : runs)
        parcels.push_back({.queue = run.queue, .job = job_of_run(run)});
    const auto answers = hand_over(provider_, parcels);
    at_step_(Step::enqueued);
    const TimePoint now = now_();
    std::vector<RunOutcome> outcomes;
    outcomes.reserve(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
        RunOutcome outcome{.key = runs[i].key};
        if (answers[i]) {
            outcome.job_id = answers[i]->id;
            count_lateness(runs[i].key.slot);
        } else {
            const Error& error = answers[i].error();
            ++figures_.errors;
            outcome.error = error.message();
            outcome.state = is_hopeless(error.code()) ? RunState::failed : RunState::claimed;
            outcome.retry_at = now + rest_after(runs[i].tries);
            log_warn(
                "schedule",
                "a job of a schedule could not be enqueued",
                {{"schedule", runs[i].key.schedule}, {"error", error.message()}}
            );
        }
        outcomes.push_back(std::move(outcome));
    }
    auto settled = store_.settle_runs(outcomes, now);
    at_step_(Step::settled);
    return settled;
}

Result<> Promoter::release_one(const SlotRun& run, std::vector<SlotRun>& released) {
    const auto schedule = store_.find(run.key.schedule);
    if (!schedule) {
        if (schedule.error().code() == Errc::not_found) return {};
        return std::unexpected(schedule.error());
    }
    const auto standing = standing_of(*schedule);
    if (!standing) {
        log_warn(
            "schedule",
            "the job of an earlier slot cannot be found",
            {{"schedule", run.key.schedule}, {"error", standing.error().message()}}
        );
        return {};
    }
    if (standing->busy) return {};
    const TimePoint until = now_() + options_.hold;
    const auto mine = store_.release(run.key, until, {});
    if (!mine) return std::unexpected(mine.error());
    if (*mine) released.push_back(run);
    return {};
}

Result<> Promoter::release_buffered() {
    const auto waiting = store_.buffered(options_.batch);
    if (!waiting) return std::unexpected(waiting.error());
    std::vector<SlotRun> released;
    for (const SlotRun& run : *waiting) {
        if (auto done = release_one(run, released); !done) return done;
    }
    return enqueue_runs(std::move(released));
}

Result<bool> Promoter::move_timers() {
    const TimePoint now = now_();
    const auto due = store_.take_jobs(now, now + options_.hold, options_.batch);
    if (!due) return std::unexpected(due.error());
    if (due->empty()) return false;
    at_step_(Step::fired);
    std::vector<Parcel> parcels;
    for (const ScheduledJob& job : *due) {
        parcels.push_back(
            {.queue = job.queue,
             .job =
                 {.id = job.id, .type = job.type, .payload = job.payload, .options = job.options}}
        );
    }
    const auto answers = hand_over(provider_, parcels);
    at_step_(Step::enqueued);
    std::vector<JobOutcome> outcomes;
    for (std::size_t i = 0; i < due->size(); ++i) {
        JobOutcome outcome{.id = (*due)[i].id};
        if (answers[i]) {
            count_lateness((*due)[i].due);
        } else {
            const Error& error = answers[i].error();
            ++figures_.errors;
            outcome.error = error.message();
            outcome.state =
                is_hopeless(error.code()) ? ScheduledState::failed : ScheduledState::waiting;
            outcome.retry_at = now_() + rest_after((*due)[i].tries);
            log_warn(
                "schedule",
                "a job could not be enqueued at its time",
                {{"job", outcome.id}, {"error", error.message()}}
            );
        }
        outcomes.push_back(std::move(outcome));
    }
    auto settled = store_.settle_jobs(outcomes, now_());
    at_step_(Step::settled);
    if (!settled) return std::unexpected(settled.error());
    return due->size() == options_.batch;
}

Result<> Promoter::refresh() {
    const TimePoint now = now_();
    std::string after;
    while (true) {
        const auto page = store_.list(after, options_.batch);
        if (!page) return std::unexpected(page.error());
        if (page->empty()) return {};
        after = page->back().definition.name;
        for (Schedule schedule : *page) {
            if (!schedule.next_slot || *schedule.next_slot <= now) continue;
            // What comes after a job has no place in time of its own.
            if (schedule.definition.rules.anchor == IntervalAnchor::after_completion) continue;
            const auto parsed = cadence_of(schedule.definition);
            if (!parsed) continue;  // said when it is due
            const Cadence cadence = anchored_cadence(*parsed, schedule, now);
            const UtcMillis stored = to_slot(*schedule.next_slot);
            if (cadence.next(stored - std::chrono::milliseconds(1)) == stored) continue;
            const NextSlot next =
                next_slot(cadence, schedule.definition, schedule.runs, to_slot(now));
            schedule.next_slot = next.slot;
            schedule.next_due = next.due;
            const auto updated = store_.update(schedule);
            if (!updated && updated.error().code() == Errc::unavailable) {
                return std::unexpected(updated.error());
            }
        }
    }
}

}  // namespace tranter::schedule
