#pragma once

#include "base/error.hpp"
#include "providers/sqs_store.hpp"

#include <tranter/job.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// Checks all jobs, then sends them in order, ten with a call. An error after some were sent says
/// which.
[[nodiscard]] Result<std::vector<Enqueued>> enqueue_in_sqs(
    SqsStore& store, std::string_view queue, std::span<const NewJob> jobs
);

}  // namespace tranter::providers
