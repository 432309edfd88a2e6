#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// A table of another program whose rows say by a column that there is something to do. Names are
/// as in the catalog, without quotes: `Jobs` is not `jobs`.
struct Adoption {
    std::string schema{};  // empty: where search_path finds the table
    std::string table{};
    std::string id_column{};  // empty: the primary key
    std::string status_column{};
    std::string queued_value{};
    // What the column says of a job that runs or has ended. Empty: it is left as it is.
    std::optional<std::string> running_value{};
    std::optional<std::string> done_value{};
    std::optional<std::string> failed_value{};
    std::optional<std::string> cancelled_value{};  // otherwise failed_value
    std::string queue{};
    std::string type{};
    std::string type_column{};  // where it is not NULL
    // The payload. None of them: {"id": ...}
    std::string payload_column{};
    bool payload_row = false;
};

/// How long the statements below wait for a lock, so that nobody queues behind them for longer.
inline constexpr std::string_view adoption_lock_wait = "2s";

/// What keys of rows begin with. Nobody else can enqueue a job with such a key, since a row's
/// status follows whatever has it.
inline constexpr std::string_view row_key_prefix = "tranter.row:";

/// Statements of one transaction that make triggers: a row whose status becomes `queued_value` is
/// enqueued in the transaction of its writer, and its status follows the job. Rows that are queued
/// are enqueued. The same again changes nothing. `not_found` for a table or column that is not
/// there, `invalid_argument` for what does not fit, `permission_denied` for a table of somebody
/// else. Throws DatabaseError.
///
/// Each row has one job that waits at most, and one that runs: its key is row_key_prefix and
/// `TABLE:ID`, in mode keep_latest. What other queues do costs the comparison of a number, see
/// docs/postgres.md.
[[nodiscard]] Result<std::string> adoption_script(
    postgres::Connection& connection, const Adoption& adoption
);

/// What undoes it; jobs stay. `not_found` when the table is not adopted. Throws DatabaseError.
[[nodiscard]] Result<std::string> removal_script(
    postgres::Connection& connection, const std::string& schema, const std::string& table
);

/// Those with such triggers, as people write them: `app."Jobs"`. Throws DatabaseError.
std::vector<std::string> adopted_tables(postgres::Connection& connection);

}  // namespace tranter::postgres_jobs
