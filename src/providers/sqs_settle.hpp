#pragma once

#include "base/error.hpp"
#include "providers/sqs_store.hpp"

#include <tranter/provider.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How deliveries of SQS end. A receipt of this process is refused with `conflict` once its lease
/// is over or it was settled; what another process received is settled as SQS takes it, which on
/// standard queues is always.
namespace tranter::providers {

/// Completed and Stopped are deleted. Failed, Released and Snoozed become visible again at their
/// time, at most 12 hours after they were received. Dead ones, and those that failed their last
/// attempt, go to the dead-letter queue; only the process that received them can do that.
///
/// SQS counts every delivery. So that a job does not die of being released or snoozed, the last
/// delivery that its queue or its options grant is answered with a copy that begins to count anew;
/// not in FIFO queues, whose order it would change, and not for a snooze of more than 15 minutes.
[[nodiscard]] Result<std::vector<Result<>>> settle_in_sqs(
    SqsStore& store, std::string_view queue, std::span<const Settlement> settlements
);

/// `limit_exceeded` once a delivery is 12 hours old.
[[nodiscard]] Result<std::vector<Result<Extended>>> extend_in_sqs(
    SqsStore& store,
    std::string_view queue,
    std::span<const std::string> receipts,
    Milliseconds lease
);

}  // namespace tranter::providers
