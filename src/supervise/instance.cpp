#include "supervise/instance.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

/// What a leader that ended by itself has left behind gets so long to end too.
constexpr Duration orphan_grace = 2s;
/// Killed and still there: nothing is left to do but to say so, and to try again.
constexpr Duration kill_patience = 2s;

Instant after(Instant now, Duration limit) {
    return limit == Duration{} ? Instant::max() : now + limit;
}

std::string text_of(const Ending& ending) {
    if (ending.signal != 0) return "ended by signal " + std::to_string(ending.signal);
    return "ended with code " + std::to_string(ending.code);
}

}  // namespace

std::string_view name_of(State state) {
    switch (state) {
        case State::stopped:
            return "stopped";
        case State::waiting:
            return "waiting";
        case State::starting:
            return "starting";
        case State::ready:
            return "ready";
        case State::unhealthy:
            return "unhealthy";
        case State::exited:
            return "exited";
        case State::stopping:
            return "stopping";
        case State::backoff:
            return "backoff";
        case State::errored:
            return "errored";
        case State::completed:
            break;
    }
    return "completed";
}

Instance::Instance(std::shared_ptr<const App> app)
    : app_(std::move(app)), next_app_(app_), restarts_(app_->restart, app_->type) {}

bool Instance::is_live() const {
    switch (state_) {
        case State::starting:
        case State::ready:
        case State::unhealthy:
        case State::exited:
        case State::stopping:
            return true;
        default:
            return false;
    }
}

bool Instance::is_at_rest() const {
    return state_ == State::stopped || state_ == State::errored || state_ == State::completed;
}

void Instance::go(State to, Instant now, std::string_view cause) {
    Change change{.from = state_, .to = to, .at = now, .cause = std::string(cause)};
    if (to != State::starting && to != State::ready) change.ending = last_ending_;
    changes_.push_back(std::move(change));
    state_ = to;
}

void Instance::start(bool may_start, Instant now, std::string_view cause) {
    restarts_.reset();
    if (state_ == State::stopping || state_ == State::exited) {
        then_ = may_start ? Then::start : Then::wait;
        return;
    }
    if (is_live()) return;
    starts_at_ = Instant::max();
    if (may_start) return begin(now, cause);
    if (state_ != State::waiting) go(State::waiting, now, cause);
}

void Instance::allow(Instant now) {
    if (state_ == State::waiting) begin(now, "what it depends on is there");
    if (is_live() && then_ == Then::wait) then_ = Then::start;
}

void Instance::stop(Instant now, std::string_view cause) {
    switch (state_) {
        case State::waiting:
        case State::backoff:
        case State::errored:
        case State::completed:
            starts_at_ = Instant::max();
            return go(State::stopped, now, cause);
        case State::starting:
        case State::ready:
        case State::unhealthy:
            begin_stop(now, cause);
            break;
        case State::exited:
            go(State::stopping, now, cause);
            break;
        case State::stopped:
        case State::stopping:
            break;
    }
    then_ = Then::stop;
}

void Instance::restart(bool may_start, Instant now, std::string_view cause) {
    if (!is_live()) return start(may_start, now, cause);
    restarts_.reset();
    if (state_ != State::stopping && state_ != State::exited) begin_stop(now, cause);
    then_ = may_start ? Then::start : Then::wait;
}

void Instance::begin(Instant now, std::string_view cause) {
    app_ = next_app_;
    restarts_.use(app_->restart, app_->type);
    go(State::starting, now, cause);
    then_ = Then::decide;
    starts_at_ = Instant::max();
    act(Action::Kind::spawn);
}

void Instance::spawned(Instant now) {
    leader_runs_ = true;
    started_at_ = now;
    last_ending_.reset();
    // Somebody may have wanted it to stop before it was there.
    if (state_ == State::stopping) return send_stop();
    if (state_ != State::starting) return;
    switch (app_->readiness.probe.kind) {
        case Probe::Kind::none:
            return became_ready(now);
        case Probe::Kind::uptime:
            ready_at_ = now + app_->restart.min_uptime;
            return;
        default:
            unready_at_ = after(now, app_->readiness.limit);
            is_watched_ = true;
            act(Action::Kind::watch_readiness);
    }
}

void Instance::not_spawned(std::string_view why, Instant now, double chance) {
    leader_runs_ = false;
    uptime_ = {};
    last_ending_.reset();
    kill_at_ = Instant::max();
    if (then_ == Then::decide) {
        then_ = Then::fail;
        why_failed_ = why;
    }
    all_gone(now, chance);
}

void Instance::became_ready(Instant now) {
    if (state_ != State::starting || !leader_runs_) return;
    end_watch();
    go(State::ready, now, "");
    if (app_->liveness.kind == Probe::Kind::none) return;
    is_watched_ = true;
    act(Action::Kind::watch_liveness);
}

void Instance::failed_probe(std::string_view why, Instant now) {
    if (!leader_runs_ || (state_ != State::starting && state_ != State::ready)) return;
    if (state_ == State::ready) go(State::unhealthy, now, why);
    begin_stop(now, why);
    then_ = Then::fail;
    why_failed_ = why;
}

void Instance::asked_for_time(Duration more, Instant now) {
    const auto extend = [until = now + more](Instant& limit) {
        if (limit != Instant::max()) limit = std::max(limit, until);
    };
    if (state_ == State::starting) extend(unready_at_);
    if (state_ == State::stopping && !was_killed_) extend(kill_at_);
}

void Instance::end_watch() {
    ready_at_ = unready_at_ = Instant::max();
    if (std::exchange(is_watched_, false)) act(Action::Kind::unwatch);
}

void Instance::begin_stop(Instant now, std::string_view cause) {
    end_watch();
    go(State::stopping, now, cause);
    kill_at_ = now + app_->stop.timeout;
    // Not there yet: spawned() or not_spawned() comes next.
    if (leader_runs_) send_stop();
}

void Instance::send_stop() {
    if (app_->stop.by_message) return act(Action::Kind::send_shutdown);
    act(app_->stop.leader_only ? Action::Kind::signal_leader : Action::Kind::signal_group,
        app_->stop.signal);
}

void Instance::ended(const Ending& ending, Instant now) {
    if (!std::exchange(leader_runs_, false)) return;
    last_ending_ = ending;
    uptime_ = now - started_at_;
    end_watch();
    if (state_ == State::stopping) return;
    go(State::exited, now, text_of(ending));
    kill_at_ = now + std::min(orphan_grace, app_->stop.timeout);
}

void Instance::all_gone(Instant now, double chance) {
    if (!is_live() || leader_runs_) return;
    kill_at_ = Instant::max();
    is_stuck_ = was_killed_ = false;
    switch (std::exchange(then_, Then::decide)) {
        case Then::stop:
            return go(State::stopped, now, "");
        case Then::start:
            return begin(now, "restart");
        case Then::wait:
            return go(State::waiting, now, "");
        case Then::fail:
            return follow(restarts_.failed(uptime_, now, chance), now, why_failed_);
        case Then::decide:
            break;
    }
    const Ending ending = last_ending_.value_or(Ending{});
    follow(restarts_.ended(ending, uptime_, now, chance), now, text_of(ending));
}

void Instance::follow(const Restarts::Decision& decision, Instant now, std::string_view cause) {
    using Verdict = Restarts::Verdict;
    switch (decision.verdict) {
        case Verdict::restart:
            if (decision.wait == Duration{}) return begin(now, cause);
            starts_at_ = now + decision.wait;
            return go(State::backoff, now, cause);
        case Verdict::stopped:
            return go(State::stopped, now, cause);
        case Verdict::completed:
            return go(State::completed, now, cause);
        case Verdict::errored:
            return go(State::errored, now, cause);
    }
}

void Instance::pass_time(Instant now) {
    if (now >= ready_at_) became_ready(now);
    if (now >= unready_at_) {
        failed_probe("it was not ready in time", now);
    }
    if (now >= kill_at_) {
        is_stuck_ = std::exchange(was_killed_, true);
        kill_at_ = now + kill_patience;
        act(Action::Kind::kill_all);
    }
    if (now >= starts_at_) begin(now, "its wait is over");
}

Instant Instance::next_event() const {
    return std::min({ready_at_, unready_at_, kill_at_, starts_at_});
}

}  // namespace tranter::supervise
