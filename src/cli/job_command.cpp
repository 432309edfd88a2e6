#include "cli/job_command.hpp"

#include "cli/job_commands.hpp"

namespace tranter::cli {

Command job_command() {
    return {
        .name = "job",
        .summary = "enqueue jobs, look at them and change what becomes of them",
        .commands =
            {job_enqueue_command(),
             job_show_command(),
             job_list_command(),
             job_wait_command(),
             job_logs_command(),
             job_cancel_command(),
             job_retry_command(),
             job_promote_command()},
    };
}

}  // namespace tranter::cli
