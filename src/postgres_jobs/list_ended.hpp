#pragma once

#include "postgres_jobs/listing.hpp"

namespace tranter::postgres_jobs {

/// Finished jobs, newest first: those of the history, one period after the other, among them the
/// dead letters. (Where periods meet, jobs that finished within the same seconds may be in the
/// order in which they were written.) Whether there is more to read. Throws DatabaseError.
bool read_ended(Listing& listing);

}  // namespace tranter::postgres_jobs
