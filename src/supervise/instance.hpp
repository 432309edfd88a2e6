#pragma once

#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/restart.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::supervise {

///     stopped ──> waiting ──> starting ──> ready ──> unhealthy
///        ^       (others)        │           │           │
///        │                       └──────┬────┴───────────┘
///        │                     exited <─┴─> stopping        until no process of it is left
///        │                        │            │
///     errored, completed <────────┴──┬─────────┘
///                                    └──> backoff ──> starting
enum class State : std::uint8_t {
    stopped,
    waiting,   // for what it depends on
    starting,  // runs, and is not ready yet
    ready,
    unhealthy,  // about to be stopped for it
    exited,     // its leader has ended by itself, what that had started has not
    stopping,
    backoff,    // a restart is decided, and waits
    errored,    // restarted too often, or not to be restarted after an end that was no success
    completed,  // a oneshot that did what it is for
};
std::string_view name_of(State state);

/// What the caller has to do for an instance, in this order.
struct Action {
    enum class Kind : std::uint8_t {
        spawn,            // then spawned() or not_spawned()
        signal_group,     // `signal` to the group of its leader
        signal_leader,    // `signal`
        send_shutdown,    // the text "shutdown" on the channel of Node.js
        kill_all,         // whatever is left of it, again and again, then all_gone()
        watch_readiness,  // then became_ready() or failed_probe()
        watch_liveness,   // until unwatch; failed_probe() when it is not well
        unwatch,
    };
    Kind kind = Kind::spawn;
    int signal = 0;

    bool operator==(const Action&) const = default;
};

/// For logs, events and people.
struct Change {
    State from = State::stopped;
    State to = State::stopped;
    Instant at{};
    std::string cause{};
    std::optional<Ending> ending{};
};

/// The life of one process of an app and of all that it starts: a state machine without processes,
/// clocks and chance of its own. Whoever runs it tells what happened, does the actions that come of
/// it, and calls pass_time() no later than next_event(). At no time are two of it asked for: spawn
/// is only said after all_gone() or not_spawned(). Not thread-safe.
class Instance {
  public:
    explicit Instance(std::shared_ptr<const App> app);

    /// From the next start on.
    void use(std::shared_ptr<const App> app) { next_app_ = std::move(app); }

    // What people and the fleet want.

    /// It should run, as soon as `may_start`. Forgets what was counted of earlier failures.
    void start(bool may_start, Instant now, std::string_view cause);
    /// What it depends on has come; or is gone again, which matters only while it waits.
    void allow(Instant now);
    void stop(Instant now, std::string_view cause);
    /// Stops it when it runs, and starts it anew.
    void restart(bool may_start, Instant now, std::string_view cause);

    void forget_restarts() { restarts_.forget(); }

    // What happened.

    void spawned(Instant now);
    void not_spawned(std::string_view why, Instant now, double chance);
    /// The leader has ended; others may be left, to which whoever runs it has sent the signal of
    /// App::stop already, in whatever group or session they are.
    void ended(const Ending& ending, Instant now);
    /// No process of it is left. `chance` is uniform in [0, 1).
    void all_gone(Instant now, double chance);
    void became_ready(Instant now);
    /// A probe that was watched has failed for good. Ends the process, like a crash.
    void failed_probe(std::string_view why, Instant now);
    /// Its start, or its end unless it was killed already, may take so much longer from now on than
    /// it would otherwise. A leader that asks again and again gets it again and again.
    void asked_for_time(Duration more, Instant now);
    void pass_time(Instant now);
    /// Instant::max(): nothing happens by itself.
    Instant next_event() const;

    /// As it was when it was started last.
    const App& app() const { return *app_; }
    const std::shared_ptr<const App>& app_pointer() const { return app_; }
    State state() const { return state_; }
    /// Has processes, or is about to have one.
    bool is_live() const;
    /// Will not run by itself again.
    bool is_at_rest() const;
    /// Ends because somebody wants it to, and will not run again by itself.
    bool is_leaving() const { return is_live() && then_ == Then::stop; }
    /// What was killed does not go away, so nothing new is started.
    bool is_stuck() const { return is_stuck_; }
    const std::optional<Ending>& last_ending() const { return last_ending_; }
    Instant started_at() const { return started_at_; }  // the latest start
    const Restarts& restarts() const { return restarts_; }

    std::vector<Action> take_actions() { return std::exchange(actions_, {}); }
    std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  private:
    void go(State to, Instant now, std::string_view cause);
    void act(Action::Kind kind, int signal = 0) { actions_.push_back({kind, signal}); }
    void begin(Instant now, std::string_view cause);
    void begin_stop(Instant now, std::string_view cause);
    void send_stop();
    void follow(const Restarts::Decision& decision, Instant now, std::string_view cause);
    void end_watch();

    // Shared with the other instances of the app.
    std::shared_ptr<const App> app_;
    std::shared_ptr<const App> next_app_;
    Restarts restarts_;
    State state_ = State::stopped;
    std::vector<Action> actions_{};
    std::vector<Change> changes_{};

    std::optional<Ending> last_ending_{};
    Instant started_at_{};
    Duration uptime_{};  // of the process that ended last
    bool leader_runs_ = false;
    bool is_watched_ = false;
    bool was_killed_ = false;
    bool is_stuck_ = false;
    /// What comes after it is gone.
    enum class Then : std::uint8_t { decide, fail, stop, start, wait } then_ = Then::decide;
    std::string why_failed_{};

    // Instant::max(): not planned.
    Instant ready_at_ = Instant::max();
    Instant unready_at_ = Instant::max();
    Instant kill_at_ = Instant::max();
    Instant starts_at_ = Instant::max();
};

}  // namespace tranter::supervise
