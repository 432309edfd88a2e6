#include "cli/dlq_command.hpp"

#include "cli/dlq_session.hpp"

namespace tranter::cli {

Command dlq_command() {
    return {
        .name = "dlq",
        .summary = "look at dead jobs and messages, replay, export and forget them",
        .commands =
            {dlq_list_command(),
             dlq_peek_command(),
             dlq_show_command(),
             dlq_replay_command(),
             dlq_purge_command(),
             dlq_export_command(),
             dlq_redrive_command()},
    };
}

}  // namespace tranter::cli
