#include "schedule/store_parts.hpp"

#include "jobs/job_json.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

namespace tranter::schedule {

std::string options_column(const JobOptions& options) {
    return jobs::options_to_json(options);
}

std::string rules_column(const ScheduleRules& rules) {
    return to_json(rules).value_or("{}");  // nothing in them is refused
}

Result<JobOptions> options_of_column(std::string_view text, std::string_view group) {
    auto options = jobs::options_from_json(text);
    if (options) options->group = group;
    return options;
}

SlotRun run_to_record(
    const Schedule& schedule, const NewRun& wanted, TimePoint now, TimePoint claimed_until
) {
    const ScheduleDefinition& definition = schedule.definition;
    SlotRun run{
        .key = {definition.name, wanted.slot, wanted.manual},
        .state = wanted.state,
        .created_at = now,
        .error = wanted.reason};
    run.job_id = job_id_of(run.key);
    if (run.state == RunState::claimed) run.claimed_until = claimed_until;
    return run;
}

void add_job_of_run(SlotRun& run, const ScheduleDefinition& definition) {
    if (run.state == RunState::skipped) return;
    run.queue = definition.queue;
    run.type = definition.type;
    run.payload = definition.payload;
    run.options = definition.options;
}

Result<> check_schema_version(std::size_t found, std::size_t known) {
    if (found <= known) return {};
    return fail(
        Errc::corrupted,
        fmt::format(
            "the store of schedules has schema version {} by now, this program knows {}: restart "
            "it with the version of the newer program",
            found,
            known
        )
    );
}

std::unexpected<Error> no_schedule(std::string_view name) {
    return fail(Errc::not_found, fmt::format("schedule \"{}\" is not known", name));
}

std::unexpected<Error> schedule_exists(std::string_view name) {
    return fail(Errc::already_exists, fmt::format("schedule \"{}\" is there already", name));
}

std::unexpected<Error> other_version(const Schedule& wanted, std::uint64_t found) {
    return fail(
        Errc::conflict,
        fmt::format(
            "schedule \"{}\" has version {}, the change is for version {}",
            wanted.definition.name,
            found,
            wanted.version
        )
    );
}

std::unexpected<Error> no_job(std::string_view id) {
    return fail(Errc::not_found, fmt::format("no job with the id {} is scheduled", id));
}

std::unexpected<Error> job_exists(std::string_view id) {
    return fail(Errc::already_exists, fmt::format("a job with the id {} is known already", id));
}

std::unexpected<Error> job_has_ended(std::string_view id) {
    return fail(Errc::conflict, fmt::format("the job {} does not wait any more", id));
}

std::unexpected<Error> job_is_held(std::string_view id) {
    return fail(Errc::conflict, fmt::format("the job {} is being enqueued", id));
}

Result<> ScheduleStore::insert(const Schedule& schedule) {
    const auto made = insert_new(std::span(&schedule, 1));
    if (!made) return std::unexpected(made.error());
    if (!made->front()) return schedule_exists(schedule.definition.name);
    return {};
}

Result<std::unique_ptr<JointWork>> ScheduleStore::join(Provider&) {
    return nullptr;
}

}  // namespace tranter::schedule
