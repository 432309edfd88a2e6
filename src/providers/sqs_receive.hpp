#pragma once

#include "base/error.hpp"
#include "providers/sqs_store.hpp"

#include <tranter/provider.hpp>

#include <stop_token>
#include <vector>

namespace tranter::providers {

/// Receives jobs, and messages of whoever sends some, ten with a call. Waits in long polls of 20 s
/// at most, until `stop` or that of the request ends them; what the server hands out in that very
/// moment is available again after the lease.
///
/// Jobs whose time to begin is over are deleted, and those that have no attempts left (their
/// workers died), or whose type or options make no sense, go to the dead-letter queue. An attempt
/// is a delivery, but for those that this process released or snoozed. A dead-letter queue of its
/// own grants any number of attempts.
[[nodiscard]] Result<std::vector<ReceivedJob>> receive_from_sqs(
    SqsStore& store, const ReceiveRequest& request, const std::stop_token& stop
);

}  // namespace tranter::providers
