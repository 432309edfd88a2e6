#pragma once

#include "sqs/call.hpp"

#include <string_view>

namespace tranter::sqs {

/// The delivery that a handle names, if it is one of this queue's; otherwise MissingParameter or
/// ReceiptHandleIsInvalid.
[[nodiscard]] inline Outcome<engine::Receipt> read_receipt(
    const Call& call, const broker::QueueHandle& queue, std::string_view handle
) {
    if (handle.empty()) return Failed(missing("ReceiptHandle"));
    const auto decoded = call.broker.receipts().decode(handle);
    if (!decoded || decoded->queue != queue->id()) return Failed(invalid_receipt(handle));
    return decoded->receipt;
}

}  // namespace tranter::sqs
