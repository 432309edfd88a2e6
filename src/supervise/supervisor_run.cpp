#include "base/log.hpp"
#include "base/size.hpp"
#include "supervise/strays.hpp"
#include "supervise/supervisor_impl.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tranter::supervise {
namespace {

/// Instances that are measured in one turn of the loop.
constexpr int measured_per_turn = 8;
/// What was killed and is still there is looked at again after this.
constexpr Duration stray_period = std::chrono::milliseconds(2);

std::string killed_for_memory(const RunningProcess& process) {
    return "memory: the kernel killed it, limit is " +
           format_size(process.app().limits.memory_bytes);
}

}  // namespace

/// Tells what has changed and does what comes of it, until nothing does. Whoever is told may want
/// something else, which is done by the outermost call.
void Supervisor::Impl::settle() {
    if (is_settling_) return;
    is_settling_ = true;
    for (bool goes_on = true; goes_on;) {
        auto changes = fleet_.take_changes();
        const auto reloaded = fleet_.take_reloaded();
        const auto actions = fleet_.take_actions();
        goes_on = !changes.empty() || !reloaded.empty() || !actions.empty();
        for (auto& change : changes)
            publish(std::move(change));
        for (const auto& one : reloaded) {
            publish({.kind = Event::Kind::reloaded, .id = {.app = one.app}, .cause = one.trouble});
        }
        for (const auto& action : actions)
            follow(action);
        if (!goes_on) goes_on = tell_removed();
    }
    is_settling_ = false;
    plan();
}

void Supervisor::Impl::plan() {
    options_.loop.cancel(fleet_timer_);
    fleet_timer_ = EventLoop::TimerId::none;
    const Instant next = fleet_.next_event();
    if (next == Instant::max()) return;
    fleet_timer_ = options_.loop.call_at(next, [this] {
        fleet_.pass_time(now());
        settle();
    });
}

void Supervisor::Impl::follow(const Fleet::InstanceAction& wanted) {
    if (wanted.moves_to) return move(wanted.id, *wanted.moves_to);
    if (wanted.action.kind == Action::Kind::spawn) return spawn(wanted.id);
    const auto found = running_.find(wanted.id);
    if (found != running_.end()) found->second->follow(wanted.action);
}

void Supervisor::Impl::move(const InstanceId& id, std::uint32_t number) {
    const InstanceId to{id.app, number};
    Record& before = record(id);
    Record& after = record(to);
    after.logs = before.logs;
    after.cause = before.cause;
    after.status = std::exchange(before.status, {});
    if (lost_.erase(id) > 0) lost_.insert(to);
    auto process = running_.extract(id);
    if (!process) return;
    process.key() = to;
    process.mapped()->move(number);
    running_.insert(std::move(process));
}

void Supervisor::Impl::spawn(const InstanceId& id) {
    const Instance* const instance = fleet_.find(id);
    if (instance == nullptr) return;
    const App& app = instance->app();
    Record& record = this->record(id);
    const std::uint32_t number = fleet_.own_number(id);
    record.logs = targets_.open(app, number);
    record.status.clear();
    triggers_.watch_files(app);
    auto started = RunningProcess::start(
        {.loop = options_.loop,
         .writer = options_.logs,
         .app = instance->app_pointer(),
         .id = id,
         .number = number,
         .key = this->record({id.app, number}).key,
         .logs = record.logs,
         .runtime_directory = options_.runtime_directory,
         .open_files = options_.open_files,
         .cgroups = &cgroups_},
        *this
    );
    if (started) {
        running_[id] = std::move(*started);
        return;
    }
    // Not at once: an app that is restarted without a wait would be tried for ever.
    call_later([this, id, why = started.error().message()] {
        fleet_.not_spawned(id, why, now(), chance());
        settle();
    });
}

void Supervisor::Impl::reported(RunningProcess& process, const Keeper::Report& report) {
    using Kind = Keeper::Report::Kind;
    const InstanceId id = process.id();
    switch (report.kind) {
        case Kind::spawned:
            fleet_.spawned(id, now());
            break;
        case Kind::ended:
            if (process.oom_kills() > 0) fleet_.failed_probe(id, killed_for_memory(process), now());
            fleet_.ended(id, report.ending, now());
            break;
        case Kind::not_spawned:
            retire(id);
            fleet_.not_spawned(id, report.why, now(), chance());
            break;
        case Kind::all_gone:
            retire(id);
            fleet_.all_gone(id, now(), chance());
            break;
        case Kind::lost:
            lose(process);
            break;
    }
    settle();
}

void Supervisor::Impl::retire(const InstanceId& id) {
    auto process = running_.extract(id);
    if (process) retired_.push_back(std::move(process.mapped()));
}

void Supervisor::Impl::keeper_ended(RunningProcess& process) {
    // A lost one still has processes, see clear_lost().
    const auto found = std::ranges::find(retired_, &process, &std::unique_ptr<RunningProcess>::get);
    if (found == retired_.end()) return;
    call_later([this, &process] {
        std::erase_if(retired_, [&process](const auto& one) { return one.get() == &process; });
    });
}

/// Its keeper was killed. What that had kept is ours now, as adopted children that nobody knows,
/// and has to go before anything new is started. The kernel has killed the leader with the keeper.
void Supervisor::Impl::lose(RunningProcess& process) {
    log_warn(
        "supervise",
        "the keeper of an instance was killed",
        {{"app", process.id().app}, {"instance", process.id().number}}
    );
    lost_.insert(process.id());
    process.follow({.kind = Action::Kind::kill_all});
    if (process.was_spawned()) fleet_.ended(process.id(), {.signal = SIGKILL}, now());
    if (lost_timer_ != EventLoop::TimerId::none) return;
    lost_timer_ = options_.loop.call_at(now(), [this] { clear_lost(); });
}

void Supervisor::Impl::clear_lost() {
    lost_timer_ = EventLoop::TimerId::none;
    const bool is_kept = std::ranges::any_of(lost_, [this](const InstanceId& id) {
        return !running_.at(id)->has_keeper_ended();
    });
    if (is_kept || !kill_strays()) {
        lost_timer_ = options_.loop.call_at(now() + stray_period, [this] { clear_lost(); });
        return;
    }
    while (!lost_.empty()) {
        const InstanceId id = lost_.extract(lost_.begin()).value();
        const auto found = running_.find(id);
        if (found == running_.end()) continue;
        found->second->finish();
        const bool was_spawned = found->second->was_spawned();
        running_.erase(found);
        if (was_spawned) {
            fleet_.all_gone(id, now(), chance());
        } else {
            fleet_.not_spawned(id, "its keeper was killed", now(), chance());
        }
        // Before the next: it may have got another number.
        settle();
    }
}

void Supervisor::Impl::printed(const InstanceId& id, bool is_errors, std::string_view lines) {
    Record& record = this->record(id);
    record.log_bytes += lines.size();
    const Instant at = now();
    record.lines.add(lines, is_errors, at);
    if (line_listeners_.empty()) return;
    OutputLine line{.id = id, .is_errors = is_errors, .at = at};
    while (!lines.empty()) {
        line.text = take_line(lines);
        for (std::size_t i = 0; i < line_listeners_.size(); ++i)
            line_listeners_[i](line);
    }
}

void Supervisor::Impl::became_ready(const InstanceId& id) {
    fleet_.became_ready(id, now());
    settle();
}

void Supervisor::Impl::failed_probe(const InstanceId& id, std::string_view why) {
    fleet_.failed_probe(id, why, now());
    settle();
}

void Supervisor::Impl::said_status(const InstanceId& id, std::string_view status) {
    record(id).status = status;
}

void Supervisor::Impl::asked_for_time(const InstanceId& id, Duration more) {
    fleet_.asked_for_time(id, more, now());
    settle();
}

void Supervisor::Impl::measure() {
    const Instant next = now() + options_.measure_period;
    options_.logs.work().look();
    to_measure_.clear();
    for (const auto& [id, process] : running_)
        to_measure_.push_back(id);
    measure_timer_ = options_.loop.call_at(next, [this] { measure(); });
    measure_some();
}

/// A few at a time: with hundreds of instances it takes longer than a crash may wait.
void Supervisor::Impl::measure_some() {
    for (int i = 0; i < measured_per_turn && !to_measure_.empty(); ++i) {
        const auto found = running_.find(to_measure_.back());
        to_measure_.pop_back();
        if (found == running_.end()) continue;
        found->second->meter().measure(now());
        check_memory(*found->second);
    }
    if (!to_measure_.empty()) call_later([this] { measure_some(); });
}

void Supervisor::Impl::check_memory(const RunningProcess& process) {
    const std::uint64_t limit = process.app().limits.memory_bytes;
    if (limit == 0) return;
    // It is never less, and cheaper.
    std::uint64_t bytes = process.meter().use().memory_bytes;
    if (bytes > limit) bytes = process.meter().memory_without_sharing();
    if (bytes > limit) {
        const std::string taken = std::to_string(bytes >> 20) + "MiB";
        failed_probe(process.id(), "memory: " + taken + ", limit is " + format_size(limit));
    } else if (process.oom_kills() > 0) {
        // Its leader may not have noticed.
        failed_probe(process.id(), killed_for_memory(process));
    }
}

/// Once, in the next turn of the loop, when nobody is in the middle of something.
void Supervisor::Impl::call_later(EventLoop::Call call) {
    later_.push_back(std::move(call));
    if (later_timer_ != EventLoop::TimerId::none) return;
    later_timer_ = options_.loop.call_at(now(), [this] {
        later_timer_ = EventLoop::TimerId::none;
        for (const auto& one : std::exchange(later_, {}))
            one();
    });
}

}  // namespace tranter::supervise
