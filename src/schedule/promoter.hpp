#pragma once

#include "schedule/cadence.hpp"
#include "schedule/decision.hpp"
#include "schedule/firing_tally.hpp"
#include "schedule/handover.hpp"
#include "schedule/store.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tranter::schedule {

/// What has just been done; see ScheduleStore for the protocol.
enum class Step : std::uint8_t { found, decided, fired, enqueued, settled };

/// Tags of each job of a schedule: its name, and the slot in RFC 3339.
inline constexpr std::string_view schedule_tag = "schedule=";
inline constexpr std::string_view slot_tag = "scheduled_for=";

/// The work of one scheduler: looks for what is due in the store, decides, and hands the jobs to
/// the provider. Holds nothing that is not in the store, so any number may work at a time, and any
/// may die at any point. Used by one thread; errors are those of the store, what the provider says
/// is kept with its run.
class Promoter {
  public:
    using Now = std::function<TimePoint()>;
    /// Called after each step. Tests end the work there by throwing.
    using AtStep = std::function<void(Step)>;

    struct Options {
        std::chrono::milliseconds period_min = std::chrono::seconds(1);
        /// Of what is claimed. Nothing is handed over in its second half, so that a call that
        /// takes as long as that is over before anybody else may do the same.
        std::chrono::milliseconds hold = std::chrono::seconds(30);
        std::size_t batch = 500;
    };

    Promoter(
        ScheduleStore& store,
        Provider& provider,
        ZoneDirectory& zones,
        Now now,
        const Options& options,
        AtStep at_step = [](Step) {}
    )
        : store_(store),
          provider_(provider),
          zones_(zones),
          now_(std::move(now)),
          options_(options),
          at_step_(std::move(at_step)) {}

    /// Schedules that are due, and claimed runs that nobody holds. True: there may be more.
    [[nodiscard]] Result<bool> promote();
    /// Runs that wait for a job to finish.
    [[nodiscard]] Result<> release_buffered();
    /// Jobs for later that are due. True: there may be more.
    [[nodiscard]] Result<bool> move_timers();
    /// Computes next slots anew where they are another, because the data about time zones have
    /// changed; what was left out by hand stays so. Forgets how expressions were read.
    [[nodiscard]] Result<> refresh();

    /// What became of all that; thread-safe.
    FiringTally& tally() { return tally_; }
    const FiringTally& tally() const { return tally_; }

  private:
    static constexpr std::size_t looked_at_max = 1000;  // of the runs of a schedule

    struct Decision {
        Firing firing{};
        NextSlot decided{};  // the schedule's, with its jitter
        bool cancel_other = false;
        std::string other_job{};
    };

    Result<Cadence> cadence_of(const ScheduleDefinition& definition);
    Result<std::optional<Decision>> decide(const Schedule& schedule, TimePoint now);
    Result<Decision> decide_slots(const Schedule& schedule, TimePoint now);
    Result<SlotPlan> plan_of(const Cadence& cadence, const Schedule& schedule, TimePoint now);
    Result<> set_aside(Schedule schedule, const Error& error, TimePoint now);
    Result<> make_room(const Decision& decision);
    /// A run that is ours, and since when its job is late. Empty: it waited for another job.
    struct Claim {
        SlotRun run{};
        std::optional<TimePoint> due_at{};
    };

    Result<> claim_fired(const Decision& decision, Fired& fired, std::vector<Claim>& claims);
    Result<> enqueue_runs(std::vector<Claim> claims);
    /// Null: the job and what is written of it are two transactions.
    JointWork* joint();
    EnqueueJointly jointly(std::span<const Claim> claims, std::span<const Parcel> parcels);
    EnqueueJointly jointly(std::span<const Parcel> timers, TimePoint held_until);
    /// Of what is held until `claimed_until`.
    TimePoint begin_before(TimePoint claimed_until) const {
        return claimed_until - options_.hold / 2;
    }
    Result<> release_one(const SlotRun& run, std::vector<Claim>& released);
    Result<bool> release_some(std::vector<Claim>& released);
    Result<> refresh_one(Schedule schedule, TimePoint now);
    Result<bool> was_left_out(const std::string& schedule, TimePoint slot);

    ScheduleStore& store_;
    Provider& provider_;
    ZoneDirectory& zones_;
    Now now_;
    Options options_;
    AtStep at_step_;
    FiringTally tally_{};
    std::map<std::string, Cadence> cadences_{};  // by what they are made from
    std::string buffered_after_{};               // the schedule up to which they were looked at
    std::optional<std::unique_ptr<JointWork>> joint_{};  // empty: not known yet
};

}  // namespace tranter::schedule
