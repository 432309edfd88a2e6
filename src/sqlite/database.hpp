#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace tranter::sqlite {

/// SQLite refused. Rooms that use this keep it to themselves. `code` is SQLite's primary result
/// code.
class DatabaseError : public SystemError {
  public:
    DatabaseError(int code, const std::string& text) : SystemError(text), code_(code) {}

    int code() const { return code_; }
    /// The file is not what SQLite wrote.
    bool is_damage() const;
    bool is_full() const;
    /// Somebody else held the lock for longer than we wait.
    bool is_busy() const;

  private:
    int code_;
};

/// `what` has failed ("the history"): `corrupted`, `limit_exceeded` when the disk is full, else
/// `unavailable`.
Error error_of(const DatabaseError& error, std::string_view what);

/// A prepared statement. Parameters count from 1, columns from 0. Texts that are bound must
/// outlive the last step.
class Statement {
  public:
    Statement(sqlite3* database, std::string_view sql, bool lasting = false);

    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind_blob(int parameter, std::string_view bytes);
    Statement& bind_null(int parameter);
    /// What a function of ours gets by sqlite3_value_pointer; `tag` is a literal.
    Statement& bind_pointer(int parameter, void* pointer, const char* tag);

    /// The highest number of a parameter that stands in the SQL.
    int parameters() const;

    /// Whether there is a row. What is written outside of a Transaction is committed by the step
    /// that finds no more, which says when that failed; reset() before it does so in silence.
    bool step();
    /// Steps to the end and makes ready for the next use.
    void run();
    void reset();

    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    /// Text or blob; valid until the next step.
    std::string_view text(int column) const;

  private:
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    void check(int code);

    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

/// A statement of the connection's own, reset when the use ends.
class StatementUse {
  public:
    explicit StatementUse(Statement& statement) : statement_(&statement) {}
    ~StatementUse() { statement_->reset(); }
    StatementUse(const StatementUse&) = delete;
    StatementUse& operator=(const StatementUse&) = delete;

    Statement* operator->() const { return statement_; }
    Statement& operator*() const { return *statement_; }

  private:
    Statement* statement_;
};

/// SQL that is a constant, so that its address tells it from others.
class ConstantSql {
  public:
    // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant where it stands
    consteval ConstantSql(const char* text) : text_(text) {}

    const char* text() const { return text_; }

  private:
    const char* text_;
};

/// One connection. Used by one thread at a time. Every function throws DatabaseError.
class Database {
  public:
    enum class Mode : std::uint8_t { write, read };

    /// `:memory:` or a file, which mode `write` makes if there is none.
    Database(const std::string& path, Mode mode);

    sqlite3* handle() const { return database_.get(); }
    void execute(const std::string& sql);
    std::int64_t integer(ConstantSql sql);
    /// Prepared at first use and kept.
    StatementUse use(ConstantSql sql);
    /// Closing leaves the files as they are, which may have been renamed meanwhile: SQLite would
    /// move its journal into the file and then delete whatever has the journal's name.
    void close_quietly();

  private:
    struct Closer {
        void operator()(sqlite3* database) const;
    };

    // declared before the statements: they are finalized before the connection is closed
    std::unique_ptr<sqlite3, Closer> database_;
    std::unordered_map<const char*, Statement> statements_;
};

/// Begins at once and is rolled back unless committed.
class Transaction {
  public:
    enum class Kind : std::uint8_t { write, read };

    explicit Transaction(Database& database, Kind kind = Kind::write);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

}  // namespace tranter::sqlite
