#include "postgres/connection.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "postgres/libpq.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::postgres {
namespace {

/// $1: for one transaction. Otherwise for the session, if it is $2: the one that we were given when
/// we connected. Compiling a plan takes longer than any of ours runs. What others may have put into
/// schema public is never found by accident.
constexpr const char* settings_of_session = R"sql(
SELECT pg_catalog.set_config(name, value, $1::boolean) FROM (VALUES
    ('search_path', 'pg_catalog, pg_temp'), ('statement_timeout', '30s'), ('lock_timeout', '10s'),
    ('idle_in_transaction_session_timeout', '60s'), ('TimeZone', 'UTC'), ('DateStyle', 'ISO'),
    ('jit', 'off'), ('default_transaction_isolation', 'read committed'), ('synchronous_commit',
        CASE pg_catalog.current_setting('synchronous_commit') WHEN 'off' THEN 'on'
            ELSE pg_catalog.current_setting('synchronous_commit') END)) AS settings(name, value)
WHERE $1 OR pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) $2::integer)sql";

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
    constexpr std::array<Known, 14> table = {{
        {"08", Trouble::lost},
        {"57P", Trouble::lost},    // the server shuts down
        {"25006", Trouble::lost},  // a standby now: its successor has to be found
        {"40", Trouble::collision},
        {"53100", Trouble::full},
        {"53400", Trouble::limit},  // such as temp_file_limit
        {"XX001", Trouble::damage},
        {"XX002", Trouble::damage},
        {"22021", Trouble::bad_value},
        {"22P05", Trouble::bad_value},
        {"54000", Trouble::bad_value},  // an index entry that is too large
        {"42501", Trouble::refused},
        {"55P03", Trouble::blocked},
        {"TR002", Trouble::limit},  // ours
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

constexpr std::string_view behind_severity = ":  ";

/// "28P01" in "FATAL:  28P01: password authentication failed", of several servers the last.
std::string_view last_state_in(std::string_view text) {
    constexpr std::size_t length = 5;
    std::string_view state;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t severity = line.find(behind_severity);
        if (severity == std::string_view::npos) continue;
        const std::string_view said = line.substr(severity + behind_severity.size());
        const std::string_view first = said.substr(0, said.find(':'));
        const bool is_state =
            first.size() == length && std::ranges::all_of(first, [](char byte) {
                return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z');
            });
        if (is_state) state = first;
    }
    return state;
}

/// Of a connection that could not be made. What the server says is in a language of its own, and
/// libpq gives its SQLSTATE only to those who asked for it before, on a connection that they did
/// not have yet: so a server that has answered is asked once more, and may even change its mind.
Trouble why_not_connected(pg_conn* connection) {
    if (libpq().needs_password(connection) != 0) return Trouble::locked_out;
    const std::string_view text = libpq().error_message(connection);
    if (!text.contains(behind_severity)) return Trouble::away;
    libpq().set_error_verbosity(connection, PQERRORS_VERBOSE);
    libpq().reset(connection);
    libpq().set_error_verbosity(connection, PQERRORS_DEFAULT);
    const std::string_view state = last_state_in(libpq().error_message(connection));
    const bool is_locked_out = state.starts_with("28") || state == "42501";
    return is_locked_out ? Trouble::locked_out : Trouble::away;
}

}  // namespace

Error as_error(const DatabaseError& error, std::string_view what) {
    switch (error.trouble()) {
        case Trouble::full:
            // Not `limit_exceeded`: nobody asked for too much, and it is the same for everything
            // that is asked until somebody makes room.
            return {Errc::unavailable, fmt::format("no space left for {}: {}", what, error.what())};
        case Trouble::damage:
            return {Errc::corrupted, fmt::format("{} is damaged: {}", what, error.what())};
        case Trouble::bad_value:
            return {
                Errc::invalid_argument, fmt::format("{} cannot keep it: {}", what, error.what())};
        case Trouble::refused:
            return {
                Errc::permission_denied,
                fmt::format("{} is not open to this user: {}", what, error.what())};
        case Trouble::limit:
            return {Errc::limit_exceeded, error.what()};
        case Trouble::away:
            return {Errc::unavailable, fmt::format("no connection to {}: {}", what, error.what())};
        case Trouble::locked_out:
            return {
                Errc::unauthenticated,
                fmt::format("{} does not let this user in: {}", what, error.what())};
        case Trouble::lost:
            return {
                Errc::unavailable,
                fmt::format("the connection to {} was lost: {}", what, error.what())};
        case Trouble::collision:
        case Trouble::blocked:
        case Trouble::other:
            break;
    }
    return {Errc::unavailable, fmt::format("{} did not do it: {}", what, error.what())};
}

Connection::Connection(const Target& target) : connection_(connect(target)) {
    if (connection_ == nullptr) throw DatabaseError(Trouble::away, "out of memory");
    if (!is_alive()) {
        const std::string text = shown(libpq().error_message(connection_.get()));
        const Trouble trouble = why_not_connected(connection_.get());
        if (!is_alive()) throw DatabaseError(trouble, text);
    }
    libpq().set_notice_processor(connection_.get(), log_notice, nullptr);
    libpq().set_nonblocking(connection_.get(), 1);
    const std::array<Parameter, 2> ours{
        "false", fmt::format("{}", libpq().backend_pid(connection_.get()))};
    pooled_ = query(settings_of_session, ours).empty();
}

void Connection::Finish::operator()(pg_conn* connection) const {
    libpq().finish(connection);
}

bool Connection::is_alive() const {
    return libpq().status(connection_.get()) == CONNECTION_OK;
}

bool Connection::is_still_alive() const {
    if (!is_alive()) return false;
    pollfd asked{.fd = socket(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 0;
}

int Connection::socket() const {
    return libpq().socket(connection_.get());
}

void Connection::add_beginning(Steps& steps) const {
    if (!begins_) return;
    static const std::array<Parameter, 2> of_transaction{"true", "0"};
    steps.push_back({.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"});
    if (pooled_) steps.push_back({.sql = settings_of_session, .parameters = of_transaction});
}

void Connection::add_call(
    Steps& steps, const Statement& statement, std::span<const Parameter> parameters
) {
    if (pooled_) {
        steps.push_back({.sql = statement.sql(), .parameters = parameters});
        return;
    }
    const auto known = prepared_.find(&statement);
    std::string name;
    if (known != prepared_.end()) {
        name = known->second;
    } else {
        const auto same = std::ranges::find(steps, &statement, &Step::statement);
        name = same == steps.end() ? fmt::format("tranter_{}", ++last_name_) : same->name;
        if (same == steps.end()) {
            steps.push_back(
                {.kind = Step::Kind::parse,
                 .sql = statement.sql(),
                 .statement = &statement,
                 .name = name}
            );
        }
    }
    steps.push_back(
        {.kind = Step::Kind::execute,
         .parameters = parameters,
         .statement = &statement,
         .name = name}
    );
}

Rows Connection::query(const char* sql, std::span<const Parameter> parameters) {
    Steps steps;
    add_beginning(steps);
    steps.push_back({.sql = sql, .parameters = parameters});
    return std::move(exchange(steps).back());
}

Rows Connection::execute(const Statement& statement, std::span<const Parameter> parameters) {
    Steps steps;
    add_beginning(steps);
    add_call(steps, statement, parameters);
    return std::move(exchange(steps).back());
}

std::vector<Rows> Connection::execute_all(std::span<const Call> calls) {
    // A pipeline is a transaction of its own, except for settings of it.
    const bool is_bare = pooled_ && !is_in_transaction();
    if (is_bare) begin();
    Steps steps;
    add_beginning(steps);
    std::vector<std::size_t> places;
    for (const Call& call : calls) {
        add_call(steps, *call.statement, call.parameters);
        places.push_back(steps.size() - 1);
    }
    std::vector<Rows> all = exchange(steps);
    if (is_bare) commit();
    std::vector<Rows> answers;
    answers.reserve(places.size());
    for (const std::size_t place : places)
        answers.push_back(std::move(all[place]));
    return answers;
}

void Connection::give_up(std::string_view why) {
    const std::string text = shown(why);  // which may be the connection's own
    connection_.reset();
    throw DatabaseError(Trouble::lost, text);
}

Rows Connection::last_answer_to(const char* sql) {
    if (!is_alive()) give_up("the connection is closed");
    if (libpq().send_query(connection_.get(), sql) == 0) {
        give_up(libpq().error_message(connection_.get()));
    }
    flush();
    Rows last(next_result());
    // An error is the last answer.
    while (pg_result* next = next_result())
        last = Rows(next);
    return last;
}

void Connection::run_all(const char* sql) {
    check(last_answer_to(sql));
}

void Connection::run(const char* sql) {
    if (begins_) {
        Steps steps;
        add_beginning(steps);
        exchange(steps);
    }
    run_all(sql);
}

void Connection::commit() {
    if (std::exchange(begins_, false)) return;
    const Rows end = last_answer_to("COMMIT");
    check_end(end);
    if (end.command() != "COMMIT") {
        throw DatabaseError(Trouble::other, "a statement had failed before");
    }
}

void Connection::rollback() {
    begins_ = false;
    if (is_in_transaction()) run_all("ROLLBACK");
}

bool Connection::is_in_transaction() const {
    return begins_ || libpq().transaction_status(connection_.get()) != PQTRANS_IDLE;
}

DatabaseError Connection::refusal_in(const Rows& rows) {
    std::string_view text = rows.message();
    if (text.empty()) text = libpq().error_message(connection_.get());
    // What has no state was not said by the server, and nobody knows what that did.
    if (!is_alive() || rows.sqlstate().empty()) give_up(text);
    return {trouble_of(rows.sqlstate()), shown(text)};
}

void Connection::check(const Rows& rows) {
    if (!rows.is_good()) throw DatabaseError(refusal_in(rows));
}

void Connection::check_end(const Rows& rows) {
    if (rows.is_good()) return;
    const DatabaseError refusal = refusal_in(rows);
    const bool blames_value =
        refusal.trouble() == Trouble::bad_value || refusal.trouble() == Trouble::limit;
    throw DatabaseError(blames_value ? Trouble::other : refusal.trouble(), refusal.what());
}

bool Connection::take_notifications(const Hear& hear) {
    if (libpq().consume_input(connection_.get()) == 0) return false;
    while (PGnotify* notification = libpq().notifies(connection_.get())) {
        if (hear) hear(notification->relname, notification->extra);
        libpq().free_memory(notification);
    }
    return is_alive();
}

}  // namespace tranter::postgres
