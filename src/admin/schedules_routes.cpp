#include "admin/jobs_route.hpp"
#include "admin/schedules_api.hpp"
#include "jobs/wire.hpp"
#include "schedule/wire.hpp"

#include <array>
#include <vector>

namespace tranter::admin {
namespace {

namespace schedule_wire = schedule::wire;
using Calls = SchedulesApi;

template <class T>
void single_or_array(SchemaBook& book, JsonWriter& json) {
    json.begin_object().key("oneOf").begin_array();
    write_schema<T>(book, json);
    write_schema<std::vector<T>>(book, json);
    json.end_array().end_object();
}

void removal(SchemaBook&, JsonWriter& json) {
    json.begin_object().member("type", "object").key("properties").begin_object();
    json.key("ok").begin_object().member("type", "boolean").end_object().end_object();
    json.key("required").begin_array().value("ok").end_array().end_object();
}

template <class T>
constexpr SchemaBook::Write schema_of = &write_schema<T>;

constexpr auto routes_of_schedules = std::to_array<JobRoute>({
    {.method = "GET",
     .path = "/v1/schedules",
     .operation = "listSchedules",
     .summary = "Schedules by name.",
     .query = "limit cursor",
     .response = schema_of<schedule_wire::SchedulePage>,
     .scheduling = &Calls::list},
    {.method = "POST",
     .path = "/v1/schedules",
     .operation = "createSchedule",
     .summary = "Makes a schedule; a conflict when its name is taken.",
     .query = "force",
     .request = schema_of<schedule_wire::ScheduleDefinition>,
     .response = schema_of<schedule_wire::Schedule>,
     .status = 201,
     .scheduling = &Calls::create},
    {.method = "POST",
     .path = "/v1/schedules/preview",
     .operation = "previewExpression",
     .summary = "When an expression fires that is stored nowhere: nothing when it never does.",
     .request = schema_of<schedule_wire::PreviewRequest>,
     .response = schema_of<schedule_wire::Preview>,
     .scheduling = &Calls::preview_expression},
    {.method = "POST",
     .path = "/v1/schedules/explain",
     .operation = "explainExpression",
     .summary = "When an expression fires, in words, and what looks like a mistake in it.",
     .request = schema_of<schedule_wire::ExplainRequest>,
     .response = schema_of<schedule_wire::Explanation>,
     .scheduling = &Calls::explain_expression},
    {.method = "PUT",
     .path = "/v1/schedules/{name}",
     .operation = "putSchedule",
     .summary = "Makes a schedule (201), or makes it what the body says (200). Whether it is "
                "paused, and what it has run, stays.",
     .query = "force",
     .request = schema_of<schedule_wire::ScheduleDefinition>,
     .response = schema_of<schedule_wire::Schedule>,
     .status = 201,
     .scheduling = &Calls::put},
    {.method = "GET",
     .path = "/v1/schedules/{name}",
     .operation = "getSchedule",
     .summary = "A schedule, its next times and its last runs.",
     .response = schema_of<schedule_wire::Schedule>,
     .scheduling = &Calls::find},
    {.method = "PATCH",
     .path = "/v1/schedules/{name}",
     .operation = "patchSchedule",
     .summary = "Changes what the body says; everything else stays, within options and rules too.",
     .request = schema_of<schedule_wire::SchedulePatch>,
     .response = schema_of<schedule_wire::Schedule>,
     .scheduling = &Calls::patch},
    {.method = "DELETE",
     .path = "/v1/schedules/{name}",
     .operation = "removeSchedule",
     .summary = "Removes a schedule. Jobs that are enqueued stay.",
     .response = &removal,
     .scheduling = &Calls::remove},
    {.method = "POST",
     .path = "/v1/schedules/{name}/pause",
     .operation = "pauseSchedule",
     .summary = "Lets a schedule rest; slots that pass are left out.",
     .request = schema_of<schedule_wire::Pause>,
     .response = schema_of<schedule_wire::Schedule>,
     .scheduling = &Calls::pause},
    {.method = "POST",
     .path = "/v1/schedules/{name}/resume",
     .operation = "resumeSchedule",
     .summary = "Goes on with the next slot.",
     .response = schema_of<schedule_wire::Schedule>,
     .scheduling = &Calls::resume},
    {.method = "POST",
     .path = "/v1/schedules/{name}/run",
     .operation = "runSchedule",
     .summary = "Runs a schedule now, beside its slots. The job is enqueued by whoever runs "
                "`tranter schedule`.",
     .response = schema_of<schedule_wire::RunAnswer>,
     .scheduling = &Calls::run_now},
    {.method = "POST",
     .path = "/v1/schedules/{name}/skip",
     .operation = "skipSlot",
     .summary = "Leaves out the next slot; a conflict when there is none.",
     .response = schema_of<schedule_wire::SkipAnswer>,
     .scheduling = &Calls::skip_next},
    {.method = "POST",
     .path = "/v1/schedules/{name}/backfill",
     .operation = "backfillSchedule",
     .summary = "Runs slots of the past that have not run, up to 10,000; with dry_run only says "
                "which there are.",
     .request = schema_of<schedule_wire::BackfillRequest>,
     .response = schema_of<schedule_wire::BackfillAnswer>,
     .scheduling = &Calls::backfill},
    {.method = "GET",
     .path = "/v1/schedules/{name}/runs",
     .operation = "listRuns",
     .summary = "Slots that became jobs or will, or were skipped; the newest first.",
     .query = "limit open",
     .response = schema_of<schedule_wire::ScheduleRuns>,
     .scheduling = &Calls::runs},
    {.method = "GET",
     .path = "/v1/schedules/{name}/preview",
     .operation = "previewSchedule",
     .summary = "The next times of a schedule as it stands.",
     .query = "count from",
     .response = schema_of<schedule_wire::Preview>,
     .scheduling = &Calls::preview},
    {.method = "GET",
     .path = "/v1/schedules/{name}/explain",
     .operation = "explainSchedule",
     .summary = "When a schedule fires, in words, and what keeps it from doing so.",
     .response = schema_of<schedule_wire::Schedule>,
     .scheduling = &Calls::explain},
    {.method = "POST",
     .path = "/v1/scheduled-jobs",
     .operation = "scheduleJobs",
     .summary = "Keeps one job, or an array of up to 10,000, until its time: all of them or none. "
                "Each is enqueued by whoever runs `tranter timers`. The header Idempotency-Key "
                "makes a repeated request find its jobs there already.",
     .request = &single_or_array<jobs::wire::JobForLater>,
     .response = &single_or_array<schedule_wire::ScheduledJobId>,
     .status = 201,
     .scheduling = &Calls::create_jobs},
    {.method = "GET",
     .path = "/v1/scheduled-jobs",
     .operation = "listScheduledJobs",
     .summary = "Jobs that wait for their time, the earliest first.",
     .query = "limit cursor",
     .response = schema_of<schedule_wire::ScheduledJobPage>,
     .scheduling = &Calls::list_jobs},
    {.method = "GET",
     .path = "/v1/scheduled-jobs/{id}",
     .operation = "getScheduledJob",
     .summary = "A job for later, also one that does not wait any more.",
     .response = schema_of<schedule_wire::ScheduledJob>,
     .scheduling = &Calls::find_job},
    {.method = "POST",
     .path = "/v1/scheduled-jobs/{id}/cancel",
     .operation = "cancelScheduledJob",
     .summary = "It will not be enqueued; a conflict when it is, or is about to be.",
     .response = schema_of<schedule_wire::ScheduledJob>,
     .scheduling = &Calls::cancel_job},
    {.method = "POST",
     .path = "/v1/scheduled-jobs/{id}/reschedule",
     .operation = "rescheduleJob",
     .summary = "Another time for a job that waits.",
     .request = schema_of<schedule_wire::Reschedule>,
     .response = schema_of<schedule_wire::ScheduledJob>,
     .scheduling = &Calls::reschedule_job},
    {.method = "POST",
     .path = "/v1/scheduled-jobs/{id}/run",
     .operation = "runScheduledJob",
     .summary = "A job that waits is due now.",
     .response = schema_of<schedule_wire::ScheduledJob>,
     .scheduling = &Calls::run_job},
});

}  // namespace

std::span<const JobRoute> schedule_routes() {
    return routes_of_schedules;
}

}  // namespace tranter::admin
