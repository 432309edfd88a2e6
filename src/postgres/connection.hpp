#pragma once

#include "base/error.hpp"
#include "postgres/target.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace tranter::postgres {

/// What PostgreSQL refused, and what can be done about it.
enum class Trouble : std::uint8_t {
    away,       // no connection can be made
    lost,       // the connection is gone; a commit that was under way may have happened
    collision,  // with another transaction: this one was undone, once more is fine
    full,
    damage,
    bad_value,  // a text that is not UTF-8, or has a zero in it
    refused,    // this user may not
    blocked,    // others held a lock for longer than we wait
    other,      // too slow, no such table
};

/// Rooms that use this keep it to themselves. The text has no values and no password in it.
class DatabaseError : public SystemError {
  public:
    DatabaseError(Trouble trouble, const std::string& text)
        : SystemError(text), trouble_(trouble) {}

    Trouble trouble() const { return trouble_; }

  private:
    Trouble trouble_;
};

/// What a caller is told. `what` begins the text: "the store of jobs".
Error as_error(const DatabaseError& error, std::string_view what);

using Parameter = std::optional<std::string>;  // empty: NULL

/// A parameter of type text[] or any other array: `{"a","b",NULL}`.
std::string array_of(std::span<const Parameter> values);

/// The rows of an answer. Numbers count from 0.
class Rows {
  public:
    explicit Rows(pg_result* result);

    std::size_t size() const;
    bool empty() const { return size() == 0; }
    bool is_null(std::size_t row, int column) const;
    std::string_view text(std::size_t row, int column) const;  // NULL: empty
    /// Throws DatabaseError for what is no whole number.
    std::int64_t integer(std::size_t row, int column) const;
    bool boolean(std::size_t row, int column) const { return text(row, column) == "t"; }

  private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

/// A statement that is made often: the server parses it at its first use on a connection, and plans
/// it at most a few times. To be kept for as long as the program runs, since it is known by its
/// address:
///
///     constexpr postgres::Statement count("SELECT count(*) FROM tranter.jobs WHERE queue_id =
///     $1");
class Statement {
  public:
    constexpr explicit Statement(const char* sql) : sql_(sql) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    constexpr const char* sql() const { return sql_; }

  private:
    const char* sql_;
};

/// One of several statements that go together.
struct Call {
    const Statement* statement = nullptr;
    std::vector<Parameter> parameters{};
};

/// One connection, of one thread at a time. Every function throws DatabaseError.
class Connection {
  public:
    /// In UTC, with a limit of 30 s for a statement and 10 s for a lock, and nothing that was
    /// committed is lost even where the server would rather be fast. Behind a pooler that gives
    /// each transaction another session only transactions of begin() have that.
    explicit Connection(const Target& target);

    /// One statement.
    Rows query(const char* sql, std::span<const Parameter> parameters = {});
    /// Any number of statements without parameters.
    void run(const char* sql);
    /// One prepared statement.
    Rows execute(const Statement& statement, std::span<const Parameter> parameters = {});
    /// All of them in one round trip, and in one transaction if none was begun: the first that
    /// fails undoes all. One answer for each.
    std::vector<Rows> execute_all(std::span<const Call> calls);

    /// Goes to the server together with what comes next.
    void begin();
    void commit();
    /// Also when nothing was begun.
    void rollback();
    bool is_in_transaction() const;

    /// Whether each transaction may run in another session of the server.
    bool is_pooled() const { return pooled_; }

    /// False once it is lost.
    bool is_alive() const;
    /// That nobody has said anything since the last answer, not even that it ends here.
    bool is_quiet() const;
    int socket() const;
    /// Takes what has come in. False when the connection is lost.
    bool take_notifications();

  private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    Rows checked(pg_result* result);

    std::unique_ptr<pg_conn, Finish> connection_;
    bool pooled_ = false;
    bool begins_ = false;  // begin() was called, and the server does not know yet
};

}  // namespace tranter::postgres
