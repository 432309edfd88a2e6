#pragma once

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "schedule/store.hpp"
#include "schedule/wire.hpp"

#include <tranter/schedule.hpp>

#include <string>
#include <string_view>

/// Schedules as JSON (wire.hpp). Payloads are trusted to be JSON when they are written; other text
/// that is not UTF-8 is written as a line that can be shown.
namespace tranter::schedule {

/// Strict: `invalid_argument` names the path, and unknown members are refused. What the text does
/// not say stays as it is in `before`. Not checked any further, see check_definition().
[[nodiscard]] Result<wire::ScheduleDefinition> read_definition(
    std::string_view text, wire::ScheduleDefinition before = {}
);
/// Without its name when it has none.
ScheduleDefinition definition_of(wire::ScheduleDefinition&& from);
wire::ScheduleDefinition to_wire(const ScheduleDefinition& definition);

/// The members of an object that is begun: those that it has in lists.
void write_schedule_members(JsonWriter& json, const Schedule& schedule);
void write_schedule(JsonWriter& json, const Schedule& schedule);
void write_run(JsonWriter& json, const SlotRun& run);
void write_scheduled_job(JsonWriter& json, const ScheduledJob& job);

}  // namespace tranter::schedule
