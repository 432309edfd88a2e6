#pragma once

#include "cli/args.hpp"
#include "cli/output.hpp"
#include "postgres/connection.hpp"
#include "postgres/migrate.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// Tables that have a version of their own.
struct DbRoom {
    std::string_view name;   // as in --room and in the table of versions
    std::string_view holds;  // for people: "jobs"
    std::span<const postgres::Migration> steps;
    std::span<const postgres::Migration> reversals;
};
std::array<DbRoom, 2> db_rooms();
/// Those of --room, or all.
std::vector<DbRoom> chosen_rooms(const Arguments& arguments);

/// Everything a command over a database works with. Lives on one thread for the time of one
/// command.
class DbSession {
  public:
    static Result<std::unique_ptr<DbSession>> open(const Arguments& arguments);

    DbSession(const postgres::Target& target, Output::Options options)
        : connection(target), output(options) {}
    DbSession(const DbSession&) = delete;
    DbSession& operator=(const DbSession&) = delete;

    postgres::Connection connection;
    Output output;
};

/// --url; `provider` or `scheduler.store` of --config or of TRANTER_* variables, TRANTER_URL and
/// DATABASE_URL, the first of them that is of PostgreSQL.
[[nodiscard]] Result<std::string> choose_database(const Arguments& arguments);

/// What a command does with a connection: what the database refuses becomes its failure.
using DbAction = Result<int> (*)(DbSession&, const Arguments&);
Result<int> run_in_database(const Arguments& arguments, DbAction action);
template <DbAction run>
Result<int> in_database(const Arguments& arguments) {
    return run_in_database(arguments, run);
}

/// A transaction that is undone unless it is committed, and waits `db_lock_wait` for a lock at
/// most: whoever waits for the lock of a whole table makes everybody else wait behind it.
class DbTransaction {
  public:
    explicit DbTransaction(postgres::Connection& connection);
    ~DbTransaction();
    DbTransaction(const DbTransaction&) = delete;
    DbTransaction& operator=(const DbTransaction&) = delete;

    void commit();

  private:
    postgres::Connection& connection_;
    bool open_ = true;
};
inline constexpr std::string_view db_lock_wait = "2s";

/// --url and --config and --output, behind a command's own options.
std::vector<Option> with_db_options(std::vector<Option> own);
Option room_option();

}  // namespace tranter::cli
