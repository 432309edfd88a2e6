#pragma once

#include "base/error.hpp"
#include "providers/sqs_store.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tranter::providers {

/// A job that is not to be tried again.
struct SqsBurial {
    std::shared_ptr<const SqsHeld> held{};
    Instant received_at{};
    AttemptFailure failure{};
};

struct SqsBuried {
    Result<> done{};
    bool copied = false;  // it is in the dead-letter queue, and only has to go from its own
    /// It will not succeed later either. The job stays where it is, hidden for as long as SQS
    /// allows, so that it is neither lost nor run again soon; the log says so.
    bool for_good = false;
};

/// Moves jobs to the dead-letter queue, with the reason as a message attribute. SQS can only do
/// that for what was received too often, so it is a message sent and one deleted.
std::vector<SqsBuried> bury_sqs_jobs(
    SqsStore& store, const SqsQueue& queue, std::span<const SqsBurial> burials
);

/// The longest that SQS lets a message be hidden that was received then.
std::chrono::seconds hidden_at_most(Instant received_at, Instant now);

/// An entry of ChangeMessageVisibilityBatch.
aws::Json sqs_visibility_entry(const std::string& handle, std::chrono::seconds visibility);

}  // namespace tranter::providers
