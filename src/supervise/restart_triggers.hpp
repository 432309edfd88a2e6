#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/file_watch.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// What restarts apps from outside: moments that a cron expression names, and files that change.
/// Not thread-safe.
class RestartTriggers {
  public:
    struct Options {
        EventLoop& loop;
        /// See Supervisor::Options.
        std::function<std::optional<Instant>(std::string_view cron, Instant after)> next_cron{};
        /// Called by a timer of the loop, so that it may do anything.
        std::function<void(const std::string& app)> moment_came{};
        std::function<void(const std::string& app, const std::string& path)> file_changed{};
    };

    explicit RestartTriggers(Options options) : options_(std::move(options)) {}
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
    /// Whether anything may still come.
    bool is_waiting() const { return !moments_.empty() || !watches_.empty(); }

  private:
    struct Moment {
        std::string cron{};
        EventLoop::TimerId timer = EventLoop::TimerId::none;
    };
    struct Watch {
        std::unique_ptr<FileWatch> files{};
        EventLoop::TimerId timer = EventLoop::TimerId::none;  // of a change that is to be told
    };
    void arm(const std::string& app, Moment& moment);
    void tell_change(const std::string& app, const std::string& path);

    const Options options_;
    std::map<std::string, Moment, std::less<>> moments_{};
    std::map<std::string, Watch, std::less<>> watches_{};
};

}  // namespace tranter::supervise
