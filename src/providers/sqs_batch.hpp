#pragma once

#include "aws/json.hpp"
#include "base/error.hpp"
#include "providers/sqs_endpoint.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// A batch action of SQS on a queue.
struct SqsBatch {
    std::string_view action{};
    std::string_view queue_url{};
};

/// What became of an entry: its member of `Successful`, or why it was refused.
using SqsEntryResult = Result<aws::Json>;

/// One call with up to ten entries, which are objects without an Id. Entries that the server could
/// not take at the moment are sent again. An error when the call failed as a whole.
[[nodiscard]] Result<std::vector<SqsEntryResult>> call_sqs_batch(
    SqsEndpoint& endpoint, const SqsBatch& batch, std::span<const aws::Json> entries
);

/// Any number of entries, ten at a time. A call that fails as a whole is the error of its entries.
std::vector<SqsEntryResult> call_sqs_batches(
    SqsEndpoint& endpoint, const SqsBatch& batch, std::span<const aws::Json> entries
);

}  // namespace tranter::providers
