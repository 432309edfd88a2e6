#pragma once

#include "base/error.hpp"
#include "postgres/target.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
    away,        // no connection can be made
    locked_out,  // the same, as the server does not let this user in
    lost,        // the connection is gone; a commit that was under way may have happened
    collision,   // with another transaction: this one was undone, once more is fine
    full,
    damage,
    bad_value,  // a text that is not UTF-8, or has a zero in it
    refused,    // this user may not
    blocked,    // others held a lock for longer than we wait
    limit,      // one that people have set: the text says it to them
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

    // Of answers that the connection has not looked at yet:
    bool is_good() const;
    bool is_pipeline_end() const;
    /// A prepared statement that the server has no more, or that gives other columns by now.
    bool is_of_stale_statement() const;
    /// Empty: none was given.
    std::string_view sqlstate() const;
    /// The primary message only: details quote values.
    std::string_view message() const;
    /// "SELECT 3".
    std::string_view command() const;

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

/// One connection, of one thread at a time. Every function throws DatabaseError; a server that says
/// nothing for a minute, which is longer than a statement may take, counts as lost.
class Connection {
  public:
    /// In UTC, with nothing but pg_catalog in search_path, with a limit of 30 s for a statement and
    /// 10 s for a lock, and nothing that was committed is lost even where the server would rather
    /// be fast. Behind a pooler that gives
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
    void begin() { begins_ = true; }
    void commit();
    /// Also when nothing was begun.
    void rollback();
    bool is_in_transaction() const;

    /// For statements that may take longer. That the other machine is gone is noticed anyway.
    void set_silence_max(std::chrono::seconds longest) { silence_max_ = longest; }
    std::chrono::seconds silence_max() const { return silence_max_; }

    /// Whether each transaction may run in another session of the server.
    bool is_pooled() const { return pooled_; }

    /// False once it is lost.
    bool is_alive() const;
    /// As is_alive(), for one that was not used for a while and does not listen: what the server
    /// has said meanwhile can only be that it ends.
    bool is_still_alive() const;
    int socket() const;
    using Hear = std::function<void(std::string_view channel, std::string_view payload)>;
    /// Takes what has come in, and tells it. False when the connection is lost.
    bool take_notifications(const Hear& hear = {});

  private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    /// One message to the server, which is answered with one result.
    struct Step {
        enum class Kind : std::uint8_t { parse, execute, query };
        Kind kind = Kind::query;
        const char* sql = nullptr;
        std::span<const Parameter> parameters{};
        const Statement* statement = nullptr;  // of parse and execute
        std::string name{};                    // the same
    };
    using Steps = std::vector<Step>;

    void add_beginning(Steps& steps) const;
    void add_call(Steps& steps, const Statement& statement, std::span<const Parameter> parameters);
    /// Sends all, waits, and gives one answer for each.
    std::vector<Rows> exchange(std::span<const Step> steps);
    void send(const Step& step);
    void flush();
    void wait_for_socket(short events);
    /// Null at the end of what answers one step.
    pg_result* next_result();
    Rows answer();
    Rows answer_of(const Step& step);
    void end_pipeline();
    void leave_pipeline();
    /// Of all statements in `sql`, unchecked. An error is the last answer.
    Rows last_answer_to(const char* sql);
    void run_all(const char* sql);
    /// What the server said in an answer that is not good.
    DatabaseError refusal_in(const Rows& rows);
    void check(const Rows& rows);
    /// Of a commit, which no value is to blame for: the server has no room to notify, or somebody
    /// checks at the end.
    void check_end(const Rows& rows);
    [[noreturn]] void give_up(std::string_view why);

    std::unique_ptr<pg_conn, Finish> connection_;
    std::chrono::seconds silence_max_{60};
    bool pooled_ = false;
    bool begins_ = false;  // begin() was called, and the server does not know yet
    /// Those that the server has parsed, with their names there.
    std::map<const Statement*, std::string> prepared_{};
    std::uint64_t last_name_ = 0;
};

/// A connection whose server may be silent for longer, for as long as this lives.
class Patience {
  public:
    Patience(Connection& connection, std::chrono::seconds longest)
        : connection_(connection), before_(connection.silence_max()) {
        connection_.set_silence_max(longest);
    }
    ~Patience() { connection_.set_silence_max(before_); }
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

  private:
    Connection& connection_;
    const std::chrono::seconds before_;
};

}  // namespace tranter::postgres
