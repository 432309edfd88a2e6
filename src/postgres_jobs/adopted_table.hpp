#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"
#include "postgres_jobs/adoption.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

/// What the catalog says of a table that is to be adopted. Everything throws DatabaseError.
namespace tranter::postgres_jobs {

struct AdoptedTable {
    std::string schema{};
    std::string name{};
    std::string oid{};
    std::string quoted{};  // as SQL
    std::string hash{};    // of `quoted`
    std::string owner{};
    bool is_own = false;  // of who asks
};

/// `not_found` when there is none. Without a schema: where the search_path of the user finds it,
/// not that of the connection.
Result<AdoptedTable> find_table(
    postgres::Connection& connection, const std::string& schema, const std::string& table
);

/// As SQL. `not_found` when there is no such column.
Result<std::string> type_of_column(
    postgres::Connection& connection, const AdoptedTable& table, const std::string& column
);

/// The column that tells rows apart: the one that is named, if it does, or the primary key.
/// Otherwise `invalid_argument`.
Result<std::string> id_of_rows(
    postgres::Connection& connection, const AdoptedTable& table, const std::string& named
);

/// `invalid_argument` for a value that a status of this type cannot have: functions would say so
/// only when a job runs.
Result<> check_values(
    postgres::Connection& connection, const std::string& type, const Adoption& adoption
);

// Expressions over a row that is called `new`.
Result<std::string> job_type_of_row(
    postgres::Connection& connection, const Adoption& adoption, const AdoptedTable& table
);
Result<std::string> payload_of_row(
    postgres::Connection& connection,
    const Adoption& adoption,
    const AdoptedTable& table,
    const std::string& id
);

/// By PostgreSQL's format(), which quotes.
std::string formatted(
    postgres::Connection& connection,
    std::string_view pattern,
    std::span<const postgres::Parameter> values
);
std::string formatted(
    postgres::Connection& connection,
    std::string_view pattern,
    std::initializer_list<postgres::Parameter> values
);

}  // namespace tranter::postgres_jobs
