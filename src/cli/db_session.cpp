#include "cli/db_session.hpp"

#include "cli/config_file.hpp"
#include "cli/stdout_output.hpp"
#include "postgres/target.hpp"
#include "postgres_jobs/schema.hpp"
#include "schedule/postgres_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tranter::cli {

std::array<DbRoom, 2> db_rooms() {
    return {
        {{.name = postgres_jobs::schema_room,
          .holds = "jobs",
          .steps = postgres_jobs::migrations(),
          .reversals = postgres_jobs::reversals()},
         {.name = schedule::postgres_room,
          .holds = "schedules and jobs for later",
          .steps = schedule::postgres_migrations(),
          .reversals = schedule::postgres_reversals()}}};
}

std::vector<DbRoom> chosen_rooms(const Arguments& arguments) {
    const auto all = db_rooms();
    std::vector<DbRoom> chosen(all.begin(), all.end());
    if (const auto name = arguments.find("room")) {
        std::erase_if(chosen, [&](const DbRoom& room) { return room.name != *name; });
    }
    return chosen;
}

Result<std::string> choose_database(const Arguments& arguments) {
    if (auto given = arguments.find("url")) return *given;
    const auto config = load_named_config(arguments);
    if (!config) return std::unexpected(config.error());
    std::vector<std::string> urls{config->provider, config->scheduler.store};
    for (const char* name : {"TRANTER_URL", "DATABASE_URL"}) {
        const char* value = process_environment()(name);
        if (value != nullptr) urls.emplace_back(value);
    }
    for (std::string& url : urls) {
        if (postgres::is_postgres_url(url)) return std::move(url);
    }
    return fail(
        Errc::invalid_argument,
        "no database is named: use --url postgres://HOST/DATABASE, `provider` in the file of "
        "--config, or DATABASE_URL"
    );
}

Result<std::unique_ptr<DbSession>> DbSession::open(const Arguments& arguments) {
    const auto url = choose_database(arguments);
    if (!url) return std::unexpected(url.error());
    const auto target = postgres::parse_target(*url);
    if (!target) return std::unexpected(target.error());
    auto session = std::make_unique<DbSession>(*target, stdout_options(arguments));
    // A table may be large. Whoever waits can interrupt it. With a pooler in between, the next one
    // to have its session would find that it has no limit.
    if (!session->connection.is_pooled()) session->connection.run("SET statement_timeout = 0");
    session->connection.set_silence_max(std::chrono::days(1));
    return session;
}

Result<int> run_in_database(const Arguments& arguments, DbAction action) {
    try {
        const auto session = DbSession::open(arguments);
        if (!session) return std::unexpected(session.error());
        return action(**session, arguments);
    } catch (const postgres::DatabaseError& error) {
        if (error.trouble() == postgres::Trouble::other) {
            return fail(Errc::internal, fmt::format("the database refused it: {}", error.what()));
        }
        if (error.trouble() == postgres::Trouble::blocked) {
            return fail(
                Errc::timed_out,
                fmt::format(
                    "others held a lock for more than {}, nothing was changed, try again",
                    db_lock_wait
                )
            );
        }
        return std::unexpected(postgres::as_error(error, "the database"));
    }
}

DbTransaction::DbTransaction(postgres::Connection& connection) : connection_(connection) {
    connection_.run(fmt::format("BEGIN; SET LOCAL lock_timeout = '{}'", db_lock_wait).c_str());
}

DbTransaction::~DbTransaction() {
    if (!open_ || !connection_.is_alive()) return;
    try {
        connection_.run("ROLLBACK");
    } catch (const postgres::DatabaseError&) {
        // Then the server does so itself.
    }
}

void DbTransaction::commit() {
    open_ = false;
    connection_.run("COMMIT");
}

std::vector<Option> with_db_options(std::vector<Option> own) {
    const std::vector<Option> shared{
        {.name = "url",
         .value = "URL",
         .help = "the database, such as postgres://HOST/DATABASE (default: that of --config, "
                 "$TRANTER_URL or $DATABASE_URL)"},
        {.name = "config",
         .value = "FILE",
         .help = "a tranter.toml whose `provider` or `scheduler.store` is in PostgreSQL",
         .completes = Completes::files},
        output_option(),
    };
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
}

Option room_option() {
    return {
        .name = "room",
        .value = "NAME",
        .help = "only these tables (default: all)",
        .choices = {"jobs", "schedule"}};
}

}  // namespace tranter::cli
