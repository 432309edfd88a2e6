#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"

#include <cstdint>
#include <string_view>

namespace tranter::cli {

/// Which program has made the tables of jobs of a database.
enum class JobTables : std::uint8_t { none, older, current, newer };
/// Throws DatabaseError.
JobTables age_of_job_tables(postgres::Connection& connection);
/// To open a store of jobs in PostgreSQL makes its tables or changes them, which is not for a
/// doctor to do: `unsupported` unless they are there in this version.
[[nodiscard]] Result<> check_job_tables(std::string_view url);

}  // namespace tranter::cli
