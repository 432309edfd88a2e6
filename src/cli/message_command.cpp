#include "cli/message_command.hpp"

#include "cli/message_peek.hpp"
#include "cli/message_receive.hpp"
#include "cli/message_send.hpp"

namespace tranter::cli {

Command message_command() {
    return {
        .name = "message",
        .summary = "send, receive, look at and delete messages of any SQS endpoint",
        .commands =
            {message_send_command(),
             message_receive_command(),
             message_peek_command(),
             message_delete_command()},
    };
}

}  // namespace tranter::cli
