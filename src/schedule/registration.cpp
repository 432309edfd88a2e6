#include "schedule/registration.hpp"

#include "base/duration.hpp"
#include "base/log.hpp"
#include "base/log_text.hpp"
#include "schedule/decision.hpp"
#include "schedule/later.hpp"
#include "schedule/promoter.hpp"

#include <tranter/job_type.hpp>
#include <tranter/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tranter::schedule {
namespace {

using std::chrono::milliseconds;

constexpr int conflicts_max = 20;
constexpr std::size_t shown_name_bytes_max = 128;
constexpr std::size_t registered_at_once = 1000;  // in one transaction
constexpr milliseconds window_min = std::chrono::seconds(10);
constexpr milliseconds span_max = std::chrono::days(3650);
constexpr std::uint32_t misfire_cap_max = 10'000;

std::unexpected<Error> refuse_schedule(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

bool is_schedule_name(std::string_view name) {
    return name.size() <= schedule_name_bytes_max && is_valid_kind(name);
}

Result<> check_span(std::string_view what, milliseconds span, milliseconds least) {
    if (span >= least && span <= span_max) return {};
    return refuse_schedule(fmt::format(
        "{} is {}ms, expected {} to {}",
        what,
        span.count(),
        format_duration(least),
        format_duration(span_max)
    ));
}

Result<> check_rules(const ScheduleRules& rules) {
    if (auto ok = check_span("misfire window", rules.misfire.window, window_min); !ok) return ok;
    if (auto ok = check_span("jitter", rules.jitter, {}); !ok) return ok;
    if (rules.misfire.cap == 0 || rules.misfire.cap > misfire_cap_max) {
        return refuse_schedule(
            fmt::format("misfire cap is {}, expected 1 to {}", rules.misfire.cap, misfire_cap_max)
        );
    }
    if (rules.start_at && rules.end_at && *rules.end_at < *rules.start_at) {
        return refuse_schedule("end_at is before start_at");
    }
    if (rules.anchor != IntervalAnchor::after_completion) return {};
    if (rules.overlap != Overlap::allow) {
        return refuse_schedule(
            "anchor is after_completion, so that no slot can overlap: leave overlap at allow"
        );
    }
    if (rules.misfire.policy == Misfire::run_all) {
        return refuse_schedule(
            "anchor is after_completion, so that only one slot can be missed: misfire must be "
            "run_once or skip"
        );
    }
    return {};
}

Result<> check_job_of(const ScheduleDefinition& definition) {
    if (auto ok = check_job_queue(definition.queue); !ok) return ok;
    if (definition.options.deadline) {
        return refuse_schedule("deadline is a time, expected ttl: each slot has a job of its own");
    }
    NewJob job{
        .type = definition.type, .payload = definition.payload, .options = definition.options};
    job.options.tags.push_back(fmt::format("{}{}", schedule_tag, definition.name));
    job.options.tags.push_back(fmt::format("{}2026-01-01T00:00:00.000000Z", slot_tag));
    if (auto problem = problem_of(job); !problem.empty()) {
        return refuse_schedule(std::move(problem));
    }
    if (auto json = Json::parse(definition.payload); !json) {
        return refuse_schedule("payload: " + json.error().message());
    }
    return {};
}

/// Reads, changes and writes until nobody comes between.
Result<Schedule> change_schedule(
    const Registry& registry,
    std::string_view name,
    const std::function<Result<>(Schedule&)>& change
) {
    for (int tries = 0;; ++tries) {
        auto schedule = registry.store.find(name);
        if (!schedule) return schedule;
        if (auto changed = change(*schedule); !changed) return std::unexpected(changed.error());
        const auto version = registry.store.update(*schedule);
        if (version) {
            schedule->version = *version;
            return schedule;
        }
        if (version.error().code() != Errc::conflict || tries == conflicts_max) {
            return std::unexpected(version.error());
        }
    }
}

void set_next(const Cadence& cadence, Schedule& schedule, TimePoint now) {
    const NextSlot next = next_slot(
        anchored_cadence(cadence, schedule, now), schedule.definition, schedule.runs, to_slot(now)
    );
    schedule.next_slot = next.slot;
    schedule.next_due = next.due;
}

/// Whether it has a slot after `after`. Intervals may count from when it was made.
Result<> check_it_fires(const Cadence& cadence, const Schedule& schedule, TimePoint after) {
    const Cadence anchored = anchored_cadence(cadence, schedule, after);
    if (auto fires = anchored.check_fires(to_slot(after)); !fires) return fires;
    const ScheduleDefinition& definition = schedule.definition;
    if (next_slot(anchored, definition, 0, to_slot(after)).slot) return {};
    return refuse_schedule(
        fmt::format("\"{}\" does not fire any more before end_at", definition.expression)
    );
}

bool has_other_times(const ScheduleDefinition& one, const ScheduleDefinition& other) {
    return one.expression != other.expression || one.timezone != other.timezone ||
           one.rules != other.rules;
}

}  // namespace

Result<Cadence> check_definition(
    ZoneDirectory& zones, const ScheduleDefinition& definition, milliseconds period_min
) {
    if (!is_schedule_name(definition.name)) {
        return refuse_schedule(fmt::format(
            "name is \"{}\", it must be 1 to {} letters, digits and _ - . : /",
            one_line(definition.name.substr(0, shown_name_bytes_max)),
            schedule_name_bytes_max
        ));
    }
    const ScheduleRules& rules = definition.rules;
    if (auto ok = check_rules(rules); !ok) return std::unexpected(ok.error());
    if (auto ok = check_job_of(definition); !ok) return std::unexpected(ok.error());
    return Cadence::parse(
        definition.expression,
        {.zone = definition.timezone,
         .dst = {.gap = rules.dst_gap, .overlap = rules.dst_overlap},
         .period_min = period_min,
         .anchor = rules.anchor},
        zones
    );
}

Result<Cadence> check_definition(
    const Registry& registry,
    const ScheduleDefinition& definition,
    TimePoint after,
    bool may_never_fire
) {
    auto cadence = check_definition(registry.zones, definition, registry.period_min);
    if (!cadence || may_never_fire) return cadence;
    const Schedule made_then{.definition = definition, .created_at = after};
    if (auto fires = check_it_fires(*cadence, made_then, after); !fires) {
        return std::unexpected(fires.error());
    }
    return cadence;
}

namespace {

Schedule new_schedule(
    const Cadence& cadence,
    const ScheduleDefinition& definition,
    ScheduleSource source,
    TimePoint now
) {
    Schedule schedule{
        .definition = definition,
        .source = source,
        .created_at = now,
        .updated_at = now,
        .version = 1};
    set_next(cadence, schedule, now);
    return schedule;
}

/// In one transaction; those that were there already, or are wrong, keep their answer empty.
Result<> make_new_ones(
    const Registry& registry,
    std::span<const ScheduleDefinition> definitions,
    ScheduleSource source,
    TimePoint now,
    std::span<std::optional<Result<Registration>>> answers
) {
    std::vector<Schedule> schedules;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
        const auto ever = check_definition(registry, definitions[i], TimePoint{});
        if (!ever) continue;
        schedules.push_back(new_schedule(*ever, definitions[i], source, now));
        places.push_back(i);
    }
    const auto made = registry.store.insert_new(schedules);
    if (!made) return std::unexpected(made.error());
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!(*made)[i]) continue;
        answers[places[i]] =
            Registration{.schedule = std::move(schedules[i]), .what = Reconciled::made};
    }
    return {};
}

}  // namespace

Result<Schedule> add(
    const Registry& registry,
    const ScheduleDefinition& definition,
    ScheduleSource source,
    TimePoint now,
    bool may_never_fire
) {
    const auto cadence = check_definition(registry, definition, now, may_never_fire);
    if (!cadence) return std::unexpected(cadence.error());
    Schedule schedule = new_schedule(*cadence, definition, source, now);
    if (auto inserted = registry.store.insert(schedule); !inserted) {
        return std::unexpected(inserted.error());
    }
    return schedule;
}

Result<Registration> reconcile(
    const Registry& registry,
    const ScheduleDefinition& definition,
    ScheduleSource source,
    TimePoint now
) {
    auto found = registry.store.find(definition.name);
    if (!found && found.error().code() == Errc::not_found) {
        // What has ended by now may stand in a file, and must not keep the others from running.
        const auto ever = check_definition(registry, definition, TimePoint{});
        if (!ever) return std::unexpected(ever.error());
        auto added = add(registry, definition, source, now, true);
        if (added) return Registration{.schedule = *added, .what = Reconciled::made};
        if (added.error().code() != Errc::already_exists) return std::unexpected(added.error());
        found = registry.store.find(definition.name);  // another process was faster
    }
    if (!found) return std::unexpected(found.error());
    const auto cadence = check_definition(registry, definition, now, true);
    if (!cadence) return std::unexpected(cadence.error());
    if (found->definition == definition && found->source == source) {
        return Registration{.schedule = *found};
    }
    Registration registration{.what = Reconciled::changed};
    auto changed = change_schedule(registry, definition.name, [&](Schedule& schedule) -> Result<> {
        registration.overruled_hand =
            schedule.source == ScheduleSource::hand && schedule.definition != definition;
        const bool other_times = has_other_times(schedule.definition, definition);
        schedule.definition = definition;
        schedule.source = source;
        schedule.updated_at = now;
        if (other_times) set_next(*cadence, schedule, now);
        return {};
    });
    if (!changed) return std::unexpected(changed.error());
    if (registration.overruled_hand) {
        log_warn(
            "schedule",
            "a schedule that was changed by hand is again what code or file say",
            {{"schedule", definition.name}}
        );
    }
    registration.schedule = std::move(*changed);
    return registration;
}

std::vector<Result<Registration>> reconcile_all(
    const Registry& registry,
    std::span<const ScheduleDefinition> definitions,
    ScheduleSource source,
    TimePoint now
) {
    std::vector<Result<Registration>> out;
    out.reserve(definitions.size());
    while (!definitions.empty()) {
        const auto some = definitions.first(std::min(registered_at_once, definitions.size()));
        std::vector<std::optional<Result<Registration>>> answers(some.size());
        const auto made = make_new_ones(registry, some, source, now, answers);
        for (std::size_t i = 0; i < some.size(); ++i) {
            if (answers[i]) {
                out.push_back(std::move(*answers[i]));
            } else if (!made) {
                out.push_back(std::unexpected(made.error()));
            } else {
                out.push_back(reconcile(registry, some[i], source, now));
            }
        }
        definitions = definitions.subspan(some.size());
    }
    return out;
}

Result<Schedule> edit(
    const Registry& registry,
    std::string_view name,
    TimePoint now,
    const std::function<Result<>(ScheduleDefinition&)>& change,
    bool may_never_fire
) {
    return change_schedule(registry, name, [&](Schedule& schedule) -> Result<> {
        const ScheduleDefinition before = schedule.definition;
        if (auto changed = change(schedule.definition); !changed) return changed;
        const auto cadence = check_definition(registry, schedule.definition, now, true);
        if (!cadence) return std::unexpected(cadence.error());
        if (!may_never_fire) {
            if (auto fires = check_it_fires(*cadence, schedule, now); !fires) return fires;
        }
        schedule.source = ScheduleSource::hand;
        schedule.updated_at = now;
        if (has_other_times(before, schedule.definition)) set_next(*cadence, schedule, now);
        return {};
    });
}

Result<Schedule> pause(const Registry& registry, std::string_view name, std::string_view reason) {
    return change_schedule(registry, name, [&](Schedule& schedule) -> Result<> {
        schedule.paused = true;
        schedule.pause_reason = reason;
        return {};
    });
}

Result<Schedule> resume(const Registry& registry, std::string_view name, TimePoint now) {
    return change_schedule(registry, name, [&](Schedule& schedule) -> Result<> {
        if (!schedule.paused) return {};
        const auto cadence = check_definition(registry, schedule.definition, now, true);
        if (!cadence) return std::unexpected(cadence.error());
        schedule.paused = false;
        schedule.pause_reason.clear();
        set_next(*cadence, schedule, now);
        return {};
    });
}

}  // namespace tranter::schedule
