#include "sqs/call.hpp"

#include <algorithm>
#include <array>

namespace tranter::sqs {

namespace {

constexpr std::array actions{
    Action{"AddPermission", add_permission, false, true, false},
    Action{"CancelMessageMoveTask", cancel_message_move_task, true, true, false},
    Action{"ChangeMessageVisibility", change_message_visibility, false, true, false},
    Action{"ChangeMessageVisibilityBatch", change_message_visibility_batch, true, true, false},
    Action{"CreateQueue", create_queue, true, false, false},
    Action{"DeleteMessage", delete_message, false, true, false},
    Action{"DeleteMessageBatch", delete_message_batch, true, true, false},
    Action{"DeleteQueue", delete_queue, false, true, false},
    Action{"GetQueueAttributes", get_queue_attributes, true, true, true},
    Action{"GetQueueUrl", get_queue_url, true, true, true},
    Action{"ListDeadLetterSourceQueues", list_dead_letter_source_queues, true, true, true},
    Action{"ListMessageMoveTasks", list_message_move_tasks, true, true, true},
    Action{"ListQueueTags", list_queue_tags, true, true, true},
    Action{"ListQueues", list_queues, true, false, true},
    Action{"PurgeQueue", purge_queue, false, true, false},
    Action{"ReceiveMessage", receive_message, true, true, false},
    Action{"RemovePermission", remove_permission, false, true, false},
    Action{"SendMessage", send_message, true, true, false},
    Action{"SendMessageBatch", send_message_batch, true, true, false},
    Action{"SetQueueAttributes", set_queue_attributes, false, true, false},
    Action{"StartMessageMoveTask", start_message_move_task, true, true, false},
    Action{"TagQueue", tag_queue, false, true, false},
    Action{"UntagQueue", untag_queue, false, true, false},
};
static_assert(
    actions.size() == RequestCounters::unknown_action &&
    std::ranges::is_sorted(actions, {}, &Action::name)
);

}  // namespace

const Action* find_action(std::string_view name) {
    const auto found = std::ranges::lower_bound(actions, name, {}, &Action::name);
    return found != actions.end() && found->name == name ? &*found : nullptr;
}

std::size_t action_index(const Action& action) {
    return static_cast<std::size_t>(&action - actions.data());
}

std::string_view action_name(std::size_t index) {
    return actions[index].name;
}

}  // namespace tranter::sqs
