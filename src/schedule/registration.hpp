#pragma once

#include "schedule/cadence.hpp"
#include "schedule/store.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What people and programs do with schedules. Each function is one change of the store; when
/// somebody else changes the same schedule meanwhile, it is made on top of that.
namespace tranter::schedule {

/// What is the same for all calls.
struct Registry {
    ScheduleStore& store;
    ZoneDirectory& zones;
    std::chrono::milliseconds period_min = std::chrono::seconds(1);
};

/// The cadence of a definition that is right, and fires after `after` unless `may_never_fire`.
/// `invalid_argument` names the field, its value and what would be right.
[[nodiscard]] Result<Cadence> check_definition(
    const Registry& registry,
    const ScheduleDefinition& definition,
    TimePoint after,
    bool may_never_fire = false
);
/// Without the question whether it fires.
[[nodiscard]] Result<Cadence> check_definition(
    ZoneDirectory& zones,
    const ScheduleDefinition& definition,
    std::chrono::milliseconds period_min = std::chrono::seconds(1)
);

enum class Reconciled : std::uint8_t { made, changed, same };

struct Registration {
    Schedule schedule{};
    Reconciled what = Reconciled::same;
    /// It was changed by hand before, and that is gone now.
    bool overruled_hand = false;
};

/// Makes the schedule, or makes it what the definition says; see Scheduler::every(). A new one that
/// fires no more is made too, one that never did since 1970 is refused.
[[nodiscard]] Result<Registration> reconcile(
    const Registry& registry,
    const ScheduleDefinition& definition,
    ScheduleSource source,
    TimePoint now
);
/// Many at once, one answer for each: those that are new are made in few transactions.
[[nodiscard]] std::vector<Result<Registration>> reconcile_all(
    const Registry& registry,
    std::span<const ScheduleDefinition> definitions,
    ScheduleSource source,
    TimePoint now
);
/// As reconcile() for a new one only: `already_exists`.
[[nodiscard]] Result<Schedule> add(
    const Registry& registry,
    const ScheduleDefinition& definition,
    ScheduleSource source,
    TimePoint now,
    bool may_never_fire = false
);
/// Changes the definition by hand; next slots are computed anew from `now` on.
[[nodiscard]] Result<Schedule> edit(
    const Registry& registry,
    std::string_view name,
    TimePoint now,
    const std::function<Result<>(ScheduleDefinition&)>& change,
    bool may_never_fire = false
);
/// add(), or edit() of all of the one that is there already.
[[nodiscard]] Result<Registration> put(
    const Registry& registry,
    const ScheduleDefinition& definition,
    TimePoint now,
    bool may_never_fire = false
);

[[nodiscard]] Result<Schedule> pause(
    const Registry& registry, std::string_view name, std::string_view reason
);
[[nodiscard]] Result<Schedule> resume(
    const Registry& registry, std::string_view name, TimePoint now
);
/// The run, claimed for whoever comes first. `request` as Firing::request: asked again, it is the
/// same run.
[[nodiscard]] Result<RunKey> run_now(
    const Registry& registry, std::string_view name, TimePoint now, std::string_view request = {}
);
/// The slot that is left out. `conflict` when there is none, which is so with
/// IntervalAnchor::after_completion for as long as the last job runs. `jobs` is asked for that, and
/// its errors are returned; when it is null and the schedule has had a job, that is `unsupported`.
/// `request` as Firing::request: asked again while there is a next slot, it is the same slot.
[[nodiscard]] Result<TimePoint> skip_next(
    const Registry& registry,
    std::string_view name,
    TimePoint now,
    Provider* jobs = nullptr,
    std::string_view request = {}
);

using tranter::Backfill;
using tranter::Period;
inline constexpr std::size_t backfill_slots_max = 10'000;
struct BackfillRequest {
    Period period{};
    bool dry_run = false;
    std::optional<Overlap> overlap{};  // instead of what the schedule says
};
/// Claims the slots that have not run, misses and skips included, some hundred in a transaction;
/// with `dry_run` only says which there are. After an error in between the call may be made again.
/// `limit_exceeded` for more than `backfill_slots_max`. All of them run as soon as they are
/// claimed, so with an Overlap that does not allow that it is a `conflict`, unless `overlap` does
/// instead of it.
[[nodiscard]] Result<Backfill> backfill(
    const Registry& registry, std::string_view name, const BackfillRequest& request, TimePoint now
);

/// Of the schedule, as it stands.
[[nodiscard]] Result<std::vector<TimePoint>> preview(
    const Registry& registry, const Schedule& schedule, std::size_t count, TimePoint now
);

}  // namespace tranter::schedule
