#pragma once

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "schedule/store.hpp"
#include "schedule/wire.hpp"

#include <tranter/schedule.hpp>

#include <cstdint>
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

/// Takes the members of a record in their order, in whatever form they are shown.
class MemberSink {
  public:
    MemberSink() = default;
    MemberSink(const MemberSink&) = delete;
    MemberSink& operator=(const MemberSink&) = delete;
    virtual ~MemberSink() = default;
    virtual void text(std::string_view name, std::string_view value) = 0;
    virtual void number(std::string_view name, std::uint64_t value) = 0;
    virtual void flag(std::string_view name, bool value) = 0;
    virtual void json(std::string_view name, std::string_view value) = 0;
    virtual void null(std::string_view name) = 0;
    virtual void time(std::string_view name, TimePoint when) = 0;
};
void show_schedule(MemberSink& out, const Schedule& schedule);
void show_run(MemberSink& out, const SlotRun& run);

/// The members of an object that is begun: those that it has in lists.
void write_schedule_members(JsonWriter& json, const Schedule& schedule);
void write_schedule(JsonWriter& json, const Schedule& schedule);
void write_run(JsonWriter& json, const SlotRun& run);
void write_scheduled_job(JsonWriter& json, const ScheduledJob& job);

}  // namespace tranter::schedule
