#include "supervise/restart_triggers.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

/// By how much a clock may be put back without its moments coming again.
constexpr Duration replay_max = std::chrono::hours(1);

}  // namespace

RestartTriggers::RestartTriggers(Options options)
    : options_(std::move(options)), alarm_(options_.loop, [this] { look_at_clock(); }) {}

Result<> RestartTriggers::check(const App& app) const {
    if (app.restart_cron.empty()) return {};
    const std::string what = "app " + app.name + ": restart_cron " + app.restart_cron;
    if (!options_.next_cron) {
        return fail(Errc::invalid_argument, what + " needs a calendar, and there is none here");
    }
    if (options_.next_cron(app.restart_cron, options_.wall_now())) return {};
    return fail(
        Errc::invalid_argument, what + " is no cron expression, or never comes; say 0 3 * * *"
    );
}

void RestartTriggers::wait_for_cron(const App& app) {
    const auto found = moments_.find(app.name);
    if (found != moments_.end() && found->second.cron == app.restart_cron) return;
    if (found != moments_.end()) moments_.erase(found);
    if (!app.restart_cron.empty()) {
        Moment& moment = moments_[app.name];
        moment.cron = app.restart_cron;
        plan(moment, options_.wall_now());
    }
    set_alarm();
}

void RestartTriggers::plan(Moment& moment, Instant now) const {
    const bool was_put_back = moment.last > now && moment.last - now < replay_max;
    moment.at =
        options_.next_cron(moment.cron, was_put_back ? moment.last : now).value_or(Instant::max());
}

void RestartTriggers::set_alarm() {
    Instant next = Instant::max();
    for (const auto& [app, moment] : moments_)
        next = std::min(next, moment.at);
    alarm_.set(next);
}

void RestartTriggers::look_at_clock() {
    const Instant now = options_.wall_now();
    std::vector<std::string> due;
    for (auto& [app, moment] : moments_) {
        if (moment.at <= now) {
            moment.last = moment.at;
            due.push_back(app);
        }
        // Also where none has come: the clock may have been put back.
        plan(moment, now);
    }
    set_alarm();
    for (const std::string& app : due)
        options_.moment_came(app);
}

void RestartTriggers::watch_files(const App& app) {
    if (app.watched.empty() || watches_.contains(app.name)) return;
    auto made = FileWatch::make(
        {.loop = options_.loop,
         .paths = app.watched,
         .ignored = app.unwatched,
         .is_own = options_.is_own,
         .quiet = app.watch_delay,
         .changed =
             [this, name = app.name](const std::string& path) {
                 tell_change(name, path);
             }}
    );
    if (made) {
        watches_[app.name].files = std::move(*made);
        return;
    }
    log_warn(
        "supervise",
        "files are not watched",
        {{"app", app.name}, {"reason", made.error().message()}}
    );
}

/// Later, since whoever is told may end the watch that tells.
void RestartTriggers::tell_change(const std::string& app, const std::string& path) {
    Watch& watch = watches_.at(app);
    if (watch.timer != EventLoop::TimerId::none) return;
    watch.timer = options_.loop.call_at(options_.loop.now(), [this, app, path] {
        watches_.at(app).timer = EventLoop::TimerId::none;
        options_.file_changed(app, path);
    });
}

void RestartTriggers::unwatch_files(std::string_view app) {
    const auto found = watches_.find(app);
    if (found == watches_.end()) return;
    options_.loop.cancel(found->second.timer);
    watches_.erase(found);
}

void RestartTriggers::stop(std::string_view app) {
    unwatch_files(app);
    const auto found = moments_.find(app);
    if (found == moments_.end()) return;
    moments_.erase(found);
    set_alarm();
}

void RestartTriggers::stop_all() {
    alarm_.set(Instant::max());
    for (const auto& [app, watch] : watches_)
        options_.loop.cancel(watch.timer);
    moments_.clear();
    watches_.clear();
}

}  // namespace tranter::supervise
