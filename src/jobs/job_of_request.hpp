#pragma once

#include "base/error.hpp"

#include <tranter/enqueue.hpp>
#include <tranter/job.hpp>

#include <string>
#include <string_view>

/// From what a caller says to what a store is given.
namespace tranter::jobs {

/// Brings the payload into its normal form. `invalid_argument` when it is no JSON; one that is too
/// large is left to problem_of().
[[nodiscard]] Result<> make_sure_it_is_json(JobRequest& request);
/// The queue of the request, or "default".
std::string take_queue(JobRequest& request);
/// The job with nothing left open but its id, which may be empty.
NewJob to_job(JobRequest request);

/// An id as stores write it; what is no UUID stays as it is. An empty one is left to the store,
/// which need not look whether it knows an id of its own.
std::string normal_id(std::string_view id);

}  // namespace tranter::jobs
