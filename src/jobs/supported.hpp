#pragma once

#include <tranter/job.hpp>
#include <tranter/provider.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What a store lacks.
namespace tranter::jobs {

/// What the job asks for and the store cannot do, as a sentence that names both; empty when it can
/// do everything.
std::string what_is_unsupported(const NewJob& job, const Provider& provider);

/// As Provider::enqueue(), for any number of jobs: in several calls when the store takes less in
/// one. `limit_exceeded` when it promises all or none, which it could not keep then.
[[nodiscard]] Result<std::vector<Enqueued>> enqueue_in_batches(
    Provider& provider, std::string_view queue, std::span<const NewJob> jobs
);

}  // namespace tranter::jobs
