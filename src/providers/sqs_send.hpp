#pragma once

#include "base/error.hpp"
#include "providers/sqs_endpoint.hpp"
#include "providers/sqs_message.hpp"
#include "providers/sqs_queues.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tranter::providers {

/// After a message was refused: the rest is `cancelled`, or sent all the same.
enum class AfterRefusal : std::uint8_t { stop, go_on };

/// Sends messages in their order, in as few calls as the limits of SQS allow, and says for each the
/// MessageId or why it was not sent. When a whole call fails, the rest is not tried.
///
/// An endpoint that refuses a MessageGroupId on a standard queue is told the group in an attribute
/// from then on, and the log says so; one that refuses a large batch gets smaller ones.
std::vector<Result<std::string>> send_sqs_messages(
    SqsEndpoint& endpoint,
    const SqsQueue& queue,
    std::span<const SqsMessage> messages,
    AfterRefusal after_refusal = AfterRefusal::stop
);

/// Another message takes the place of one that was received: it is sent, and then the first one is
/// deleted. A crash in between leaves both, and never none.
struct SqsReplacement {
    std::string handle{};  // of the first one
    SqsMessage copy{};
};
struct SqsReplaced {
    Result<> done{};
    bool copied = false;  // also when the first one could not be deleted
};
std::vector<SqsReplaced> replace_sqs_messages(
    SqsEndpoint& endpoint,
    const SqsQueue& from,
    const SqsQueue& to,
    std::span<const SqsReplacement> replacements
);

/// Deletes messages by their handles.
std::vector<Result<>> delete_sqs_messages(
    SqsEndpoint& endpoint, const SqsQueue& queue, std::span<const std::string> handles
);

}  // namespace tranter::providers
