#include "schedule/promoter.hpp"

#include "base/log.hpp"
#include "jobs/time_text.hpp"
#include "schedule/last_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::chrono::seconds set_aside_rest(10);
constexpr std::chrono::minutes hopeless_rest(1);
constexpr std::size_t buffered_page = 100;  // rows with payloads

NewJob job_of_run(const SlotRun& run) {
    NewJob job{.id = run.job_id, .type = run.type, .payload = run.payload, .options = run.options};
    job.options.tags.push_back(fmt::format("{}{}", schedule_tag, run.key.schedule));
    const auto slot =
        jobs::time_text(run.key.slot.time_since_epoch().count(), {1, 1'000'000}).value_or("");
    job.options.tags.push_back(fmt::format("{}{}", slot_tag, slot));
    return job;
}

/// Never empty, which would be no try at all.
std::string said_by(const Error& error) {
    return error.message().empty() ? std::string("no reason was given") : error.message();
}

}  // namespace

/// A schedule that nothing can be decided for must not be due for ever.
Result<> Promoter::set_aside(Schedule schedule, const Error& error, TimePoint now) {
    tally_.undecided(schedule.definition.name, error);
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
            tally_.not_cancelled(decision.firing.schedule, cancelled.error());
        }
    }
    const auto open = store_.runs_of(decision.firing.schedule, looked_at_max, true);
    if (!open) return std::unexpected(open.error());
    const TimePoint newest = decision.firing.runs.back().slot;
    for (const SlotRun& run : *open) {
        if (run.state != RunState::buffered || run.key.slot >= newest) continue;
        constexpr std::string_view reason = "a later slot took its place";
        const auto replaced = store_.release(run.key, std::nullopt, reason);
        if (!replaced) return std::unexpected(replaced.error());
        if (*replaced) tally_.skipped(run.key, reason);
    }
    return {};
}

Result<> Promoter::claim_fired(const Decision& decision, Fired& fired, std::vector<Claim>& claims) {
    if (!fired.done) return {};
    tally_.missed(decision.firing.schedule, decision.firing.missed);
    if (auto made = make_room(decision); !made) return made;
    for (SlotRun& run : fired.runs) {
        if (run.state == RunState::skipped) tally_.skipped(run.key, run.error);
        if (run.state != RunState::claimed) continue;
        const bool has_jitter = decision.decided.due && run.key.slot == decision.decided.slot;
        const TimePoint due_at = has_jitter ? *decision.decided.due : run.key.slot;
        claims.push_back({.run = std::move(run), .due_at = due_at});
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
    std::vector<Claim> claims;
    if (!firings.empty()) {
        auto fired = store_.fire(firings, now, now_() + options_.hold);
        if (!fired) return std::unexpected(fired.error());
        at_step_(Step::fired);
        for (std::size_t i = 0; i < fired->size(); ++i) {
            auto claimed = claim_fired(decisions[i], (*fired)[i], claims);
            if (!claimed) return std::unexpected(claimed.error());
        }
    }
    // Those of who died, or of tries that failed.
    const TimePoint then = now_();
    auto left = store_.take_runs(then, then + options_.hold, options_.batch);
    if (!left) return std::unexpected(left.error());
    const bool more = due->size() == options_.batch || left->size() == options_.batch;
    for (SlotRun& run : *left) {
        // Of the past when it was asked for by hand: late since then.
        const TimePoint due_at = run.created_at;
        claims.push_back({.run = std::move(run), .due_at = due_at});
    }
    if (auto enqueued = enqueue_runs(std::move(claims)); !enqueued) {
        return std::unexpected(enqueued.error());
    }
    return more;
}

Result<> Promoter::enqueue_runs(std::vector<Claim> claims) {
    if (claims.empty()) return {};
    std::vector<Parcel> parcels;
    parcels.reserve(claims.size());
    for (const Claim& claim : claims) {
        const SlotRun& run = claim.run;
        parcels.push_back(
            {.queue = run.queue,
             .job = job_of_run(run),
             .begin_before = begin_before(run.claimed_until.value_or(TimePoint()))}
        );
    }
    const auto handed = hand_over(provider_, parcels, now_, jointly(claims, parcels));
    at_step_(Step::enqueued);
    const TimePoint now = now_();
    std::vector<RunOutcome> outcomes;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const SlotRun& run = claims[i].run;
        if (handed[i].written) {
            if (handed[i].begun) {
                tally_.enqueued(run, handed[i].answer->id, claims[i].due_at, now);
            }
            continue;
        }
        RunOutcome outcome{.key = run.key, .held_until = run.claimed_until};
        if (!handed[i].begun) {
            outcome.state = RunState::claimed;
            outcome.retry_at = now;
        } else if (const Result<Enqueued>& answer = handed[i].answer; answer) {
            outcome.job_id = answer->id;
            tally_.enqueued(run, outcome.job_id, claims[i].due_at, now);
        } else {
            const Error& error = answer.error();
            const bool is_last = is_hopeless(error.code());
            tally_.failed(run, error, is_last);
            outcome.error = said_by(error);
            outcome.state = is_last ? RunState::failed : RunState::claimed;
            outcome.retry_at = now + rest_after(run.tries);
        }
        outcomes.push_back(std::move(outcome));
    }
    auto settled = store_.settle_runs(outcomes, now);
    at_step_(Step::settled);
    return settled;
}

Result<> Promoter::release_one(const SlotRun& run, std::vector<Claim>& released) {
    const auto schedule = store_.find(run.key.schedule);
    if (!schedule) {
        if (schedule.error().code() == Errc::not_found) return {};
        return std::unexpected(schedule.error());
    }
    const auto standing = standing_of(store_, provider_, *schedule);
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
    if (!*mine) return {};
    released.push_back({.run = run});
    released.back().run.claimed_until = until;
    return {};
}

/// Whether there may be more, and time for it.
Result<bool> Promoter::release_some(std::vector<Claim>& released) {
    const std::size_t most = std::min(options_.batch, buffered_page);
    const auto waiting = store_.buffered(buffered_after_, most);
    if (!waiting) return std::unexpected(waiting.error());
    for (const SlotRun& run : *waiting) {
        const bool hurries =
            !released.empty() &&
            now_() >= begin_before(released.front().run.claimed_until.value_or(TimePoint()));
        if (hurries) return false;
        if (auto done = release_one(run, released); !done) return std::unexpected(done.error());
        buffered_after_ = run.key.schedule;
    }
    if (waiting->size() == most) return true;
    buffered_after_.clear();
    return false;
}

/// Goes on where it was last time: those that wait for long must not keep others from being seen.
Result<> Promoter::release_buffered() {
    std::vector<Claim> released;
    for (std::size_t pages = 0; pages < options_.batch / buffered_page + 1; ++pages) {
        const auto more = release_some(released);
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
    }
    return enqueue_runs(std::move(released));
}

Result<bool> Promoter::move_timers() {
    const TimePoint now = now_();
    const TimePoint held_until = now + options_.hold;
    const auto due = store_.take_jobs(now, held_until, options_.batch);
    if (!due) return std::unexpected(due.error());
    if (due->empty()) return false;
    at_step_(Step::fired);
    std::vector<Parcel> parcels;
    for (const ScheduledJob& job : *due) {
        parcels.push_back(
            {.queue = job.queue,
             .job =
                 {.id = job.id, .type = job.type, .payload = job.payload, .options = job.options},
             .begin_before = begin_before(held_until)}
        );
    }
    const auto handed = hand_over(provider_, parcels, now_, jointly(parcels, held_until));
    at_step_(Step::enqueued);
    const TimePoint then = now_();
    std::vector<JobOutcome> outcomes;
    for (std::size_t i = 0; i < due->size(); ++i) {
        const ScheduledJob& job = (*due)[i];
        if (handed[i].written) {
            if (handed[i].begun) tally_.timer_enqueued(job, then);
            continue;
        }
        JobOutcome outcome{.id = job.id};
        if (!handed[i].begun) {
            outcome.state = ScheduledState::waiting;
            outcome.retry_at = then;
        } else if (const auto& answer = handed[i].answer; answer) {
            // A provider that keeps later jobs itself answers so for a row that is not ours any
            // more: it waits again, and has gone nowhere.
            if (!answer->duplicate_of.empty()) outcome.held_until = held_until;
            tally_.timer_enqueued(job, then);
        } else {
            const Error& error = handed[i].answer.error();
            const bool is_last = is_hopeless(error.code());
            tally_.timer_failed(job, error, is_last);
            outcome.error = said_by(error);
            outcome.state = is_last ? ScheduledState::failed : ScheduledState::waiting;
            outcome.retry_at = then + rest_after(job.tries);
        }
        if (outcome.state == ScheduledState::waiting) outcome.held_until = held_until;
        outcomes.push_back(std::move(outcome));
    }
    auto settled = store_.settle_jobs(outcomes, then);
    at_step_(Step::settled);
    if (!settled) return std::unexpected(settled.error());
    return due->size() == options_.batch;
}

}  // namespace tranter::schedule
