#include "cli/db_commands.hpp"
#include "cli/db_session.hpp"
#include "cli/terminal.hpp"
#include "postgres/migrate.hpp"
#include "postgres_jobs/roles.hpp"

#include <fmt/format.h>

#include <unistd.h>

// `tranter db roles`.
namespace tranter::cli {
namespace {

std::string roles_script() {
    return fmt::format("BEGIN;{}COMMIT;\n", postgres_jobs::role_statements());
}

Result<int> make_roles(DbSession& session, const Arguments&) {
    for (const DbRoom& room : db_rooms()) {
        if (postgres::version_of(session.connection, room.name) > 0) continue;
        return fail(
            Errc::conflict,
            fmt::format("there are no tables of {} yet: `tranter db migrate` first", room.name)
        );
    }
    session.connection.run(roles_script().c_str());
    session.output.begin({{"role", "ROLE"}, {"may", "MAY"}});
    for (const auto& [role, may] :
         {std::pair("tranter_worker", "work, look and manage, not migrate"),
          std::pair("tranter_producer", "call tranter.enqueue and tranter.enqueue_many"),
          std::pair("tranter_readonly", "read")}) {
        Json record;
        record.set("role", role).set("may", may);
        session.output.row(std::move(record));
    }
    session.output.end();
    return 0;
}

Result<int> run_roles_command(const Arguments& arguments) {
    if (arguments.is_on("apply")) return run_in_database(arguments, make_roles);
    write_all(STDOUT_FILENO, roles_script());
    return 0;
}

}  // namespace

Command db_roles_command() {
    return {
        .name = "roles",
        .summary = "print or make roles for workers, producers and readers",
        .description =
            "tranter_worker does everything but migrate, tranter_producer only calls "
            "tranter.enqueue and\ntranter.enqueue_many, tranter_readonly only reads. They cannot "
            "log "
            "in: grant them to users. The same\nagain changes nothing.",
        .options = with_db_options(
            {{.name = "apply", .value = "", .help = "run the statements instead of printing them"}}
        ),
        .examples =
            {{"make them, and a user of one",
              "tranter db roles --apply && psql -c 'GRANT tranter_worker TO mailer'"}},
        .run = run_roles_command,
    };
}

}  // namespace tranter::cli
