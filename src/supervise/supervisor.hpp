#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/fleet.hpp"
#include "supervise/log_writer.hpp"
#include "supervise/view.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Keeps apps running: does what Fleet decides with real processes (Keeper), reads what they print
/// into log files, asks probes whether they are well, measures them, restarts them by cron and when
/// files change. Everything happens on the thread that runs the loop. Not thread-safe.
class Supervisor {
  public:
    struct Options {
        EventLoop& loop;
        LogWriter& logs;
        /// A directory of ours, mode 0700, for the sockets that apps report to. It exists.
        std::string runtime_directory{};
        /// Further files and folders of ours. That they change restarts no app that watches a
        /// folder above them.
        std::vector<std::string> own_places{};
        /// How often memory and processor are measured.
        Duration measure_period = std::chrono::seconds(2);
        /// Control groups for instances, where we may make them; without them some of Limits are
        /// not kept.
        bool uses_cgroups = true;
        /// What an app may open that does not say: a program can raise it to what we may. 0: as we.
        std::uint64_t open_files = 0;
        /// The first moment after `after` of the wall clock that App::restart_cron means; nothing
        /// when it is no cron expression, or means none. Not set: no app may have one.
        std::function<std::optional<Instant>(std::string_view cron, Instant after)> next_cron{};
    };

    explicit Supervisor(Options options);
    /// Kills what is left.
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // What people want; see Fleet. All return at once, what comes of it is told by events.

    /// Their environment is complete: what they inherit has been put in by whoever read their file.
    /// `invalid_argument` also for a restart_cron that never comes.
    [[nodiscard]] Result<> put(std::vector<App> apps);
    [[nodiscard]] Result<> start(std::string_view app, std::string_view cause, Which which = {});
    [[nodiscard]] Result<> stop(std::string_view app, std::string_view cause, Which which = {});
    [[nodiscard]] Result<> restart(std::string_view app, std::string_view cause, Which which = {});
    [[nodiscard]] Result<> reload(std::string_view app, Which which = {});
    [[nodiscard]] Result<> scale(std::string_view app, std::uint32_t instances);
    [[nodiscard]] Result<> remove(std::string_view app, Which which = {});
    void stop_all(std::string_view cause);
    /// To the leader of each instance that runs. `not_found` when there is no such app.
    [[nodiscard]] Result<> signal(std::string_view app, int signal, Which which = {});
    /// What was counted of restarts so far is forgotten.
    [[nodiscard]] Result<> reset(std::string_view app, Which which = {});
    /// Empties its log files.
    [[nodiscard]] Result<> flush_logs(std::string_view app, Which which = {});
    /// Begins log files anew that somebody has moved away.
    void reopen_logs();
    /// Takes processes that we have adopted and that have ended: for whoever is pid 1, at SIGCHLD.
    /// Those that were started by us are left to whoever did.
    void reap_orphans();

    // What there is.

    bool is_at_rest() const;  // nothing runs, and nothing will by itself
    std::vector<std::string> apps() const;
    const App* find(std::string_view app) const;
    std::vector<InstanceView> instances() const;  // by app and number
    /// The latest thousand, oldest first, that came after `number`.
    std::vector<Event> events_after(std::uint64_t number) const;
    /// The latest lines of an instance, oldest first; the last hundred are kept, of 64 KiB at most.
    std::vector<OutputLine> latest_lines(const InstanceId& id) const;

    // Who listens. Called on the thread of the loop, in order.

    void on_event(std::function<void(const Event&)> listener);
    void on_line(std::function<void(const OutputLine&)> listener);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::supervise
