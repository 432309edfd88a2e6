#pragma once

#include "postgres_jobs/listing.hpp"

#include <string>

namespace tranter::postgres_jobs {

/// Jobs that are not finished, by queue and id; ids that we make are in the order of their age.
/// Whether there is more to read. Throws DatabaseError.
bool read_live(Listing& listing);

/// What stands in a dead-letter queue, by id. `not_found` when there is no such queue.
Result<bool> read_letters(Listing& listing, const std::string& dead_letter_queue);

}  // namespace tranter::postgres_jobs
