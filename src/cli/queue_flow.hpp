#pragma once

#include "cli/args.hpp"
#include "cli/job_session.hpp"

namespace tranter::cli {

// What holds the jobs of a queue back. Unlike the other commands about queues these speak to a
// store of jobs.
Result<int> pause_queues(JobSession& session, const Arguments& arguments);
Result<int> resume_queues(JobSession& session, const Arguments& arguments);
Result<int> limit_queue(JobSession& session, const Arguments& arguments);

Command queue_pause_command();
Command queue_resume_command();
Command queue_limits_command();

}  // namespace tranter::cli
