#include "postgres/connection.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "postgres/libpq.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace tranter::postgres {
namespace {

constexpr const char* session_settings =
    "SET statement_timeout = '30s';"
    "SET lock_timeout = '10s';"
    "SET idle_in_transaction_session_timeout = '60s';"
    "SET default_transaction_isolation = 'read committed';"
    "SET TimeZone = 'UTC';"
    "SET DateStyle = 'ISO';"
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

/// One line without what may be secret. libpq says what it tried line by line.
std::string shown(std::string_view text) {
    std::string line;
    for (const char byte : text.substr(0, text.find_last_not_of('\n') + 1)) {
        if (byte == '\n') line += ';';
        line += byte == '\n' || byte == '\t' ? ' ' : byte;
    }
    return without_secrets(one_line(line));
}

/// By SQLSTATE: PostgreSQL's manual, appendix A.
Trouble trouble_of(std::string_view state) {
    struct Known {
        std::string_view prefix;
        Trouble trouble;
    };
    constexpr std::array<Known, 13> table = {{
        {"08", Trouble::lost},
        {"57P", Trouble::lost},    // the server shuts down
        {"25006", Trouble::lost},  // a standby now: its successor has to be found
        {"40", Trouble::collision},
        {"53100", Trouble::full},
        {"53400", Trouble::full},
        {"XX001", Trouble::damage},
        {"XX002", Trouble::damage},
        {"22021", Trouble::bad_value},
        {"22P05", Trouble::bad_value},
        {"54000", Trouble::bad_value},  // an index entry that is too large
        {"42501", Trouble::refused},
        {"55P03", Trouble::blocked},
    }};
    const auto known = std::ranges::find_if(table, [&](const Known& one) {
        return state.starts_with(one.prefix);
    });
    return known == table.end() ? Trouble::other : known->trouble;
}

void log_notice(void*, const char* text) {
    log_debug("postgres", "notice", {{"text", shown(text)}});
}

pg_conn* connect(const Target& target) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : target) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return libpq().connect(keywords.data(), values.data(), 0);
}

}  // namespace

Error as_error(const DatabaseError& error, std::string_view what) {
    switch (error.trouble()) {
        case Trouble::full:
            return {
                Errc::limit_exceeded, fmt::format("no space left for {}: {}", what, error.what())};
        case Trouble::damage:
            return {Errc::corrupted, fmt::format("{} is damaged: {}", what, error.what())};
        case Trouble::bad_value:
            return {
                Errc::invalid_argument, fmt::format("{} cannot keep it: {}", what, error.what())};
        case Trouble::refused:
            return {
                Errc::permission_denied,
                fmt::format("{} is not open to this user: {}", what, error.what())};
        case Trouble::away:
        case Trouble::lost:
        case Trouble::collision:
        case Trouble::blocked:
        case Trouble::other:
            break;
    }
    return {Errc::unavailable, fmt::format("{} did not answer: {}", what, error.what())};
}

std::string array_of(std::span<const Parameter> values) {
    std::string out = "{";
    for (const Parameter& value : values) {
        if (out.size() > 1) out += ',';
        if (!value) {
            out += "NULL";
            continue;
        }
        out += '"';
        for (const char byte : *value) {
            if (byte == '"' || byte == '\\') out += '\\';
            out += byte;
        }
        out += '"';
    }
    return out + '}';
}

Rows::Rows(pg_result* result) : result_(result) {}

void Rows::Clear::operator()(pg_result* result) const {
    libpq().clear(result);
}

std::size_t Rows::size() const {
    return static_cast<std::size_t>(libpq().rows(result_.get()));
}

bool Rows::is_null(std::size_t row, int column) const {
    return libpq().is_null(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view Rows::text(std::size_t row, int column) const {
    const int number = static_cast<int>(row);
    const int bytes = libpq().length(result_.get(), number, column);
    return {libpq().value(result_.get(), number, column), static_cast<std::size_t>(bytes)};
}

std::int64_t Rows::integer(std::size_t row, int column) const {
    const std::string_view digits = text(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
    if (error == std::errc() && end == digits.end()) return value;
    throw DatabaseError(Trouble::damage, "a column that is no whole number");
}

Connection::Connection(const Target& target) : connection_(connect(target)) {
    if (connection_ == nullptr) throw DatabaseError(Trouble::away, "out of memory");
    if (!is_alive()) {
        throw DatabaseError(Trouble::away, shown(libpq().error_message(connection_.get())));
    }
    libpq().set_notice_processor(connection_.get(), log_notice, nullptr);
    run(session_settings);
}

void Connection::Finish::operator()(pg_conn* connection) const {
    libpq().finish(connection);
}

bool Connection::is_alive() const {
    return libpq().status(connection_.get()) == CONNECTION_OK;
}

bool Connection::is_quiet() const {
    pollfd asked{.fd = socket(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 0;
}

int Connection::socket() const {
    return libpq().socket(connection_.get());
}

Rows Connection::query(const char* sql, std::span<const Parameter> parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const Parameter& parameter : parameters) {
        if (parameter && parameter->find('\0') != std::string::npos) {
            throw DatabaseError(Trouble::bad_value, "a text has a zero byte in it");
        }
        values.push_back(parameter ? parameter->c_str() : nullptr);
    }
    return checked(libpq().exec_params(
        connection_.get(),
        sql,
        static_cast<int>(values.size()),
        nullptr,
        values.data(),
        nullptr,
        nullptr,
        0
    ));
}

void Connection::run(const char* sql) {
    checked(libpq().exec(connection_.get(), sql));
}

Rows Connection::execute(const Statement& statement, std::span<const Parameter> parameters) {
    return query(statement.sql(), parameters);
}

std::vector<Rows> Connection::execute_all(std::span<const Call> calls) {
    const bool alone = !is_in_transaction();
    if (alone) begin();
    std::vector<Rows> answers;
    for (const Call& call : calls)
        answers.push_back(execute(*call.statement, call.parameters));
    if (alone) commit();
    return answers;
}

void Connection::begin() {
    run("BEGIN");
}

void Connection::commit() {
    run("COMMIT");
}

void Connection::rollback() {
    if (is_in_transaction()) run("ROLLBACK");
}

bool Connection::is_in_transaction() const {
    return libpq().transaction_status(connection_.get()) != PQTRANS_IDLE;
}

Rows Connection::checked(pg_result* result) {
    Rows rows(result);
    const ExecStatusType status = libpq().result_status(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return rows;
    const char* state = libpq().error_field(result, PG_DIAG_SQLSTATE);
    // The primary message only: details quote values.
    const char* text = libpq().error_field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text == nullptr) text = libpq().error_message(connection_.get());
    const Trouble trouble = trouble_of(state == nullptr ? "" : state);
    throw DatabaseError(is_alive() ? trouble : Trouble::lost, shown(text));
}

bool Connection::take_notifications() {
    if (libpq().consume_input(connection_.get()) == 0) return false;
    while (PGnotify* notification = libpq().notifies(connection_.get()))
        libpq().free_memory(notification);
    return is_alive();
}

}  // namespace tranter::postgres
