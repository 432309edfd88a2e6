#pragma once

#include <tranter/error.hpp>

#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

/// As the database writes it. What is no UUID is nobody's: `not_found`.
Result<std::string> read_job_id(std::string_view id);
std::unexpected<Error> no_such_job(std::string_view id);

}  // namespace tranter::postgres_jobs
