#include "cli/command_tree.hpp"

#include "cli/completion_command.hpp"
#include "cli/dlq_command.hpp"
#include "cli/message_command.hpp"
#include "cli/queue_command.hpp"

namespace tranter::cli {

Command command_tree() {
    return {
        .name = "tranter",
        .summary = "an SQS-compatible message broker, and a command line for any SQS endpoint",
        .description =
            "Commands that talk to a queue server use http://127.0.0.1:9324 unless --endpoint "
            "or\n$TRANTER_SQS_URL says otherwise; --aws means AWS itself.\n\n"
            "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 unauthorised,\n"
            "6 unreachable, 8 timeout.",
        .examples =
            {{"start a server", "tranter serve"},
             {"try it", "tranter queue create q && tranter message send q hello"},
             {"all about one command", "tranter message receive --help"}},
        .commands = {queue_command(), message_command(), dlq_command(), completion_command()},
    };
}

}  // namespace tranter::cli
