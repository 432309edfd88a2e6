#pragma once

#include "cli/args.hpp"
#include "cli/job_session.hpp"

namespace tranter::cli {

Result<int> list_workers(JobSession& session, const Arguments& arguments);

/// tranter worker list
Command worker_command();

}  // namespace tranter::cli
