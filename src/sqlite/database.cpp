#include "sqlite/database.hpp"

#include "base/log.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <mutex>

namespace tranter::sqlite {
namespace {

/// A reader meets the writer's lock only for an instant, when a file is made or recovered.
constexpr int busy_timeout_ms = 5000;

[[noreturn]] void refuse(sqlite3* database, int code) {
    const char* text = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    throw DatabaseError(code & 0xff, fmt::format("SQLite: {} (code {})", text, code));
}

}  // namespace

bool DatabaseError::is_damage() const {
    return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB;
}

bool DatabaseError::is_full() const {
    return code_ == SQLITE_FULL;
}

bool DatabaseError::is_busy() const {
    return code_ == SQLITE_BUSY || code_ == SQLITE_LOCKED;
}

Error error_of(const DatabaseError& error, std::string_view what) {
    if (error.is_damage()) {
        return {Errc::corrupted, fmt::format("{} is damaged: {}", what, error.what())};
    }
    if (error.is_full()) {
        return {Errc::limit_exceeded, fmt::format("no space left for {}: {}", what, error.what())};
    }
    return {Errc::unavailable, fmt::format("{} did not answer: {}", what, error.what())};
}

Statement::Statement(sqlite3* database, std::string_view sql, bool lasting) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(
        database,
        sql.data(),
        static_cast<int>(sql.size()),
        lasting ? SQLITE_PREPARE_PERSISTENT : 0,
        &statement,
        nullptr
    );
    statement_.reset(statement);
    if (code != SQLITE_OK) refuse(database, code);
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Statement::check(int code) {
    if (code != SQLITE_OK) refuse(sqlite3_db_handle(statement_.get()), code);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    check(sqlite3_bind_int64(statement_.get(), parameter, value));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    // a view without data would be bound as NULL
    const char* data = text.data() != nullptr ? text.data() : "";
    check(sqlite3_bind_text64(
        statement_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8
    ));
    return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
    const char* data = bytes.data() != nullptr ? bytes.data() : "";
    check(sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC));
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    check(sqlite3_bind_null(statement_.get(), parameter));
    return *this;
}

Statement& Statement::bind_pointer(int parameter, void* pointer, const char* tag) {
    check(sqlite3_bind_pointer(statement_.get(), parameter, pointer, tag, nullptr));
    return *this;
}

int Statement::parameters() const {
    return sqlite3_bind_parameter_count(statement_.get());
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) refuse(sqlite3_db_handle(statement_.get()), code);
    return false;
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const void* data = sqlite3_column_blob(statement_.get(), column);
    if (data == nullptr) return {};
    const int bytes = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const char*>(data), static_cast<std::size_t>(bytes)};
}

namespace {

/// What jobs carry is for the eyes of the owner, and SQLite gives its other files the same mode.
void make_private_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);  // SQLite says what is wrong otherwise
}

}  // namespace

Database::Database(const std::string& path, Mode mode) {
    // SQLite's counter of its own memory is one lock for every allocation of every connection.
    static std::once_flag configured;
    std::call_once(configured, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
    const int flags =
        mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
    if (mode == Mode::write && path != ":memory:" && !path.starts_with("file:")) {
        make_private_file(path);
    }
    sqlite3* database = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (code != SQLITE_OK) refuse(database, code);
    sqlite3_busy_timeout(database, busy_timeout_ms);
    // SQL in the schema of a damaged or forged file runs nothing but what is harmless.
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

void Database::Closer::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

void Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) refuse(handle(), code);
}

std::int64_t Database::integer(ConstantSql sql) {
    const StatementUse statement = use(sql);
    return statement->step() ? statement->integer(0) : 0;
}

StatementUse Database::use(ConstantSql sql) {
    auto found = statements_.find(sql.text());
    if (found == statements_.end()) {
        found = statements_.try_emplace(sql.text(), handle(), sql.text(), true).first;
    }
    return StatementUse(found->second);
}

void Database::close_quietly() {
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
    if (kind == Kind::write) {
        database_.use("BEGIN IMMEDIATE")->run();
    } else {
        database_.use("BEGIN")->run();
    }
}

Transaction::~Transaction() {
    if (!open_) return;
    try {
        database_.execute("ROLLBACK");
    } catch (const DatabaseError& error) {
        // SQLite has rolled back itself after some failures, and says so here.
        log_debug("sqlite", "rollback", {{"error", error.what()}});
    }
}

void Transaction::commit() {
    database_.use("COMMIT")->run();
    open_ = false;
}

}  // namespace tranter::sqlite
