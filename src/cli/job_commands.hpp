#pragma once

#include "cli/args.hpp"
#include "cli/job_session.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tranter::cli {

// What `tranter job ...` does, in a session that is open.
Result<int> enqueue_job(JobSession& session, const Arguments& arguments);
Result<int> show_jobs(JobSession& session, const Arguments& arguments);
Result<int> wait_for_jobs(JobSession& session, const Arguments& arguments);
Result<int> show_job_log(JobSession& session, const Arguments& arguments);
Result<int> list_jobs(JobSession& session, const Arguments& arguments);
Result<int> cancel_jobs(JobSession& session, const Arguments& arguments);
Result<int> retry_jobs(JobSession& session, const Arguments& arguments);
Result<int> promote_jobs(JobSession& session, const Arguments& arguments);

Command job_enqueue_command();
Command job_show_command();
Command job_wait_command();
Command job_logs_command();
Command job_list_command();
Command job_cancel_command();
Command job_retry_command();
Command job_promote_command();

/// Waits until the job is finished, for ever without a limit; `timed_out`.
[[nodiscard]] Result<JobRecord> wait_until_finished(
    Provider& provider, std::string_view id, std::optional<Milliseconds> limit
);

/// 0 for a job that completed, 1 for one that did not.
int exit_status_of(const JobRecord& job);

/// --filter, --queue, --type, --state and --since as one filter in the language of searches.
std::string job_filter(const Arguments& arguments);
std::vector<Option> job_filter_options();
/// A value of the language of searches, between quotes when it takes them.
std::string search_value(std::string_view text);

}  // namespace tranter::cli
