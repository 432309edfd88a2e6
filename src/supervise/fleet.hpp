#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/instance.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// Which process of which app. Numbers count from 0; a new instance gets the lowest that is free.
struct InstanceId {
    std::string app{};
    std::uint32_t number = 0;

    auto operator<=>(const InstanceId&) const = default;
};

/// One of the instances of an app, by its number. Nothing: all of them.
using Which = std::optional<std::uint32_t>;

/// Checks what one app cannot know of the others: every dependency is there, and no app waits for
/// itself. `invalid_argument` names the app, or the circle "a, b, a".
[[nodiscard]] Result<> check_dependencies(std::span<const App> apps);

/// All apps of a supervisor and how many of each run: order of start and stop, scaling, reloads. A
/// state machine like Instance, of which it holds many, with the same duties for the caller. Not
/// thread-safe.
class Fleet {
  public:
    struct InstanceAction {
        InstanceId id{};
        Action action{};
        /// Set: it has this number from now on, and nothing else is to be done.
        Which moves_to{};
    };
    struct InstanceChange {
        InstanceId id{};
        Change change{};
    };
    /// A reload that is over. `trouble` is empty when all instances were replaced.
    struct Reloaded {
        std::string app{};
        std::string trouble{};
    };

    // What people want. Names are those of apps; `not_found` names the one that is not here, or the
    // one of `which`. For one instance alone all is refused with `conflict` while a reload of its
    // app is under way, and what would start one that is being scaled away.

    /// Adds them, or takes the new definition for instances that start from now on. Dependencies
    /// are checked together with those of the apps that are here. Nothing is started.
    [[nodiscard]] Result<> put(std::vector<App> apps);
    /// Starts what is not running, and before it what it depends on unless that was stopped by
    /// hand.
    [[nodiscard]] Result<> start(
        std::string_view app, Instant now, std::string_view cause, Which which = {}
    );
    [[nodiscard]] Result<> stop(
        std::string_view app, Instant now, std::string_view cause, Which which = {}
    );
    [[nodiscard]] Result<> restart(
        std::string_view app, Instant now, std::string_view cause, Which which = {}
    );
    /// Replaces each instance by one that is ready before the old one is stopped. The new one has
    /// the number of the old one, which gets one that is free for as long as it is there. Told by
    /// take_reloaded(). When a new one fails the others stay as they are. `conflict` while a reload
    /// of the app is under way. What does not run, or is not ready, is started anew.
    [[nodiscard]] Result<> reload(std::string_view app, Instant now, Which which = {});
    /// Instances that are wanted. Those that have least to do by `load` end first, of equals the
    /// highest number.
    [[nodiscard]] Result<> scale(
        std::string_view app,
        std::uint32_t instances,
        Instant now,
        const std::function<double(const InstanceId&)>& load
    );
    /// Stops it and forgets it once nothing of it is left. `conflict` names an app that depends on
    /// it. One instance less from now on with `which`, unless that one goes already; the last one
    /// takes its app with it.
    [[nodiscard]] Result<> remove(std::string_view app, Instant now, Which which = {});
    /// What was counted of its restarts is forgotten.
    [[nodiscard]] Result<> reset(std::string_view app, Which which = {});
    /// Stops all, those first on which no other depends. Until start() of any.
    void stop_all(Instant now, std::string_view cause);

    // What happened to an instance; unknown ids are ignored. See Instance.

    void spawned(const InstanceId& id, Instant now);
    void not_spawned(const InstanceId& id, std::string_view why, Instant now, double chance);
    void ended(const InstanceId& id, const Ending& ending, Instant now);
    void all_gone(const InstanceId& id, Instant now, double chance);
    void became_ready(const InstanceId& id, Instant now);
    void failed_probe(const InstanceId& id, std::string_view why, Instant now);
    void asked_for_time(const InstanceId& id, Duration more, Instant now);
    void pass_time(Instant now);
    Instant next_event() const;

    bool is_at_rest() const;
    std::vector<std::string> apps() const;
    /// Null when there is no such app, or instance.
    const App* find(std::string_view app) const;
    const Instance* find(const InstanceId& id) const;
    /// What it is to be told that its number is: while it is replaced, the one that it had.
    std::uint32_t own_number(const InstanceId& id) const;
    std::vector<InstanceId> instances(std::string_view app) const;
    bool is_reloading(std::string_view app) const;
    /// To run, or one instance of it.
    bool is_wanted(std::string_view app) const;
    /// It is forgotten once nothing of it is left.
    bool is_removing(std::string_view app) const;
    /// What an app that waits is waiting for, for people; empty: nothing.
    std::string waits_for(std::string_view app) const;

    std::vector<InstanceAction> take_actions() { return std::exchange(actions_, {}); }
    std::vector<InstanceChange> take_changes() { return std::exchange(changes_, {}); }
    std::vector<Reloaded> take_reloaded() { return std::exchange(reloaded_, {}); }

  private:
    struct Reload {
        std::deque<std::uint32_t> old{};  // not replaced yet
        /// The present numbers of those that are replaced, by the number of the new one.
        std::map<std::uint32_t, std::uint32_t> replaces{};
    };
    struct Member {
        std::shared_ptr<const App> app{};  // shared with its instances
        std::map<std::uint32_t, Instance> instances{};
        bool is_wanted = false;    // to run
        bool was_stopped = false;  // by hand, so that only a start of its own starts it
        bool is_removed = false;   // once it is at rest
        /// Instances that are, by number.
        std::set<std::uint32_t> removed{};
        /// What their number was, and will be again if the reload fails, by their present number.
        std::map<std::uint32_t, std::uint32_t> moved{};
        std::optional<Reload> reload{};
    };
    using Members = std::map<std::string, Member, std::less<>>;

    /// Of those that are not removed.
    [[nodiscard]] Result<Member*> get(std::string_view app);
    template <class Event>
    void tell(const InstanceId& id, Instant now, Event event);
    bool is_met(const Dependency& dependency) const;
    bool may_start(const Member& member) const;
    bool is_needed(std::string_view app) const;
    void want(Member& member, Instant now, std::string_view cause);
    void want_needed(Member& member, Instant now, std::string_view cause);
    /// With the lowest free number. `may`: start at once.
    static void add_instance(Member& member, bool may, Instant now, std::string_view cause);
    static void add_stopped(Member& member);
    [[nodiscard]] static Result<Instance*> get(Member& member, std::uint32_t number);
    static void set_count(Member& member, std::uint32_t instances);
    [[nodiscard]] Result<> start_one(
        Member& member, std::uint32_t number, Instant now, std::string_view cause, bool restarts
    );
    [[nodiscard]] static Result<> stop_one(
        Member& member, std::uint32_t number, Instant now, std::string_view cause
    );
    [[nodiscard]] static Result<> remove_one(Member& member, std::uint32_t number, Instant now);
    void stop_unwanted(Instant now);
    void settle(Instant now);
    bool settle_once(Instant now);
    bool collect();
    static void forget_surplus(Member& member);
    void restart_dependents(std::string_view app, Instant now);
    bool advance(Member& member, Instant now);
    void begin_replacements(Member& member, Instant now);
    void move(Member& member, std::uint32_t from, std::uint32_t to);
    void give_back_numbers(Member& member);
    /// Whether it is told the same number as another instance for which `is_meant`.
    static bool has_twin(
        const Member& member, std::uint32_t number, bool (*is_meant)(const Instance&)
    );
    void end_reload(Member& member, std::string trouble, Instant now);

    Members members_{};
    bool is_ending_ = false;
    std::vector<InstanceAction> actions_{};
    std::vector<InstanceChange> changes_{};
    std::vector<Reloaded> reloaded_{};
};

}  // namespace tranter::supervise
