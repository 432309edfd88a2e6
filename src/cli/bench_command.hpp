#pragma once

#include "cli/args.hpp"
#include "cli/job_session.hpp"

namespace tranter::cli {

Result<int> bench_jobs(JobSession& session, const Arguments& arguments);

/// tranter bench jobs
Command bench_command();

}  // namespace tranter::cli
