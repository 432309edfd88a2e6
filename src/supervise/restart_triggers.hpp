#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/file_watch.hpp"
#include "supervise/wall_alarm.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// What restarts apps from outside: moments of the wall clock that a cron expression names, and
/// files that change. A moment that a sleep of the machine or a step of its clock has left out
/// comes once, as soon as that is seen; one that a step of less than an hour back would bring again
/// does not. Not thread-safe.
class RestartTriggers {
  public:
    struct Options {
        EventLoop& loop;
        /// See Supervisor::Options.
        std::function<std::optional<Instant>(std::string_view cron, Instant after)> next_cron{};
        /// The wall clock.
        std::function<Instant()> wall_now = SteadyClock::wall_clock;
        /// See FileWatch::Options.
        OwnFiles::Question is_own{};
        /// Both are called by the loop, so that they may do anything.
        std::function<void(const std::string& app)> moment_came{};
        std::function<void(const std::string& app, const std::string& path)> file_changed{};
    };

    explicit RestartTriggers(Options options);
    ~RestartTriggers() { stop_all(); }
    RestartTriggers(const RestartTriggers&) = delete;
    RestartTriggers& operator=(const RestartTriggers&) = delete;

    /// `invalid_argument` for a cron expression that cannot be waited for.
    [[nodiscard]] Result<> check(const App& app) const;

    /// From the next moment on. Does nothing when that is waited for.
    void wait_for_cron(const App& app);
    /// Until unwatch_files(). Does nothing when they are watched. What cannot be watched is logged.
    void watch_files(const App& app);
    void unwatch_files(std::string_view app);
    /// Both are forgotten.
    void stop(std::string_view app);
    void stop_all();
    /// Tells moments that have come. For the alarm, and for tests whose wall clock is their own.
    void look_at_clock();
    /// Whether anything may still come.
    bool is_waiting() const { return !moments_.empty() || !watches_.empty(); }

  private:
    struct Moment {
        std::string cron{};
        Instant at = Instant::max();    // Instant::max(): there is none any more
        Instant last = Instant::min();  // that has come
    };
    struct Watch {
        std::unique_ptr<FileWatch> files{};
        EventLoop::TimerId timer = EventLoop::TimerId::none;  // of a change that is to be told
    };
    void plan(Moment& moment, Instant now) const;
    void set_alarm();
    void tell_change(const std::string& app, const std::string& path);

    const Options options_;
    std::map<std::string, Moment, std::less<>> moments_{};
    std::map<std::string, Watch, std::less<>> watches_{};
    WallAlarm alarm_;
};

}  // namespace tranter::supervise
