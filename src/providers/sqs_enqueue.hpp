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

/// The same with an answer for each job; one that is refused does not keep the others from being
/// sent. When a whole call fails, those behind it are `cancelled`.
std::vector<Result<Enqueued>> enqueue_each_in_sqs(
    SqsStore& store, std::string_view queue, std::span<const NewJob> jobs
);

}  // namespace tranter::providers
