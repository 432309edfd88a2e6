#include "schedule/last_job.hpp"

#include "jobs/state_name.hpp"

namespace tranter::schedule {
namespace {

Result<bool> is_unfinished(Provider& provider, const std::string& job_id) {
    if (job_id.empty()) return false;
    const auto job = provider.find(job_id);
    if (job) return !jobs::is_finished(job->state);
    if (job.error().code() == Errc::not_found) return false;
    return std::unexpected(job.error());
}

}  // namespace

Result<Standing> standing_of(ScheduleStore& store, Provider& provider, const Schedule& schedule) {
    const auto open = store.open_runs(schedule.definition.name);
    if (!open) return std::unexpected(open.error());
    Standing standing{.busy = open->claimed > 0, .buffered = open->buffered};
    if (standing.busy) return standing;
    const auto unfinished = is_unfinished(provider, schedule.last_job);
    if (!unfinished) return std::unexpected(unfinished.error());
    standing.busy = *unfinished;
    return standing;
}

Result<LastJobEnd> last_end_of(ScheduleStore& store, Provider& provider, const Schedule& schedule) {
    const auto open = store.open_runs(schedule.definition.name);
    if (!open) return std::unexpected(open.error());
    if (open->claimed > 0 || open->buffered > 0) return LastJobEnd{.finished = false};
    if (schedule.last_job.empty()) return LastJobEnd{};
    const auto job = provider.find(schedule.last_job);
    if (job) return LastJobEnd{.finished = jobs::is_finished(job->state), .at = job->finished_at};
    if (job.error().code() == Errc::not_found) return LastJobEnd{};
    return std::unexpected(job.error());
}

}  // namespace tranter::schedule
