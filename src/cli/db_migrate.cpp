#include "base/stop.hpp"
#include "cli/db_commands.hpp"
#include "cli/db_session.hpp"
#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"
#include "postgres/migrate.hpp"
#include "postgres_jobs/roles.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stop_token>

// `tranter db migrate`, `status` and `print`.
namespace tranter::cli {
namespace {

constexpr Duration migrate_wait_default = std::chrono::minutes(1);
constexpr Duration migrate_rest = std::chrono::milliseconds(500);

struct RoomStatus {
    std::size_t version = 0;
    std::size_t newest = 0;

    bool is_current() const { return version == newest; }
    bool is_newer() const { return version > newest; }
    std::string_view state() const {
        if (is_newer()) return "newer";
        if (is_current()) return "current";
        return version == 0 ? "missing" : "older";
    }
    std::string to_do() const {
        if (is_current()) return "nothing";
        if (is_newer()) return "use the newer program";
        if (version == 0) return fmt::format("make the tables, versions 1 to {}", newest);
        if (version + 1 == newest) return fmt::format("version {}", newest);
        return fmt::format("versions {} to {}", version + 1, newest);
    }
};

RoomStatus status_of(postgres::Connection& connection, const DbRoom& room) {
    return {
        .version = postgres::version_of(connection, room.name),
        .newest = room.steps.size(),
    };
}

Json status_record(const DbRoom& room, const RoomStatus& status) {
    Json record;
    record.set("room", room.name).set("holds", room.holds);
    record.set("version", static_cast<std::uint64_t>(status.version));
    record.set("newest", static_cast<std::uint64_t>(status.newest));
    record.set("state", status.state()).set("to_do", status.to_do());
    return record;
}

const std::vector<Column>& status_columns() {
    static const std::vector<Column> columns{
        {"room", "ROOM"},
        {"holds", "HOLDS", true},
        {"version", "VERSION"},
        {"newest", "NEWEST"},
        {"state", "STATE"},
        {"to_do", "TO DO"}};
    return columns;
}

Error too_new(const DbRoom& room, const RoomStatus& status) {
    return {
        Errc::conflict,
        fmt::format(
            "the tables of {} have version {}, this program knows {}: use the newer program",
            room.name,
            status.version,
            status.newest
        )};
}

Result<int> show_status(DbSession& session, const Arguments& arguments) {
    bool is_current = true;
    session.output.begin(status_columns());
    for (const DbRoom& room : chosen_rooms(arguments)) {
        const RoomStatus status = status_of(session.connection, room);
        is_current = is_current && status.is_current();
        session.output.row(status_record(room, status));
    }
    session.output.end();
    if (is_current || !arguments.is_on("check")) return 0;
    return static_cast<int>(ExitCode::conflict);
}

/// False: somebody held a lock for too long, and nothing was changed.
bool try_to_migrate(postgres::Connection& connection, const DbRoom& room) {
    try {
        if (!connection.is_pooled()) {
            connection.run(fmt::format("SET lock_timeout = '{}'", db_lock_wait).c_str());
        }
        postgres::migrate(connection, room.name, room.steps);
        return true;
    } catch (const postgres::DatabaseError& error) {
        if (error.trouble() != postgres::Trouble::blocked) throw;
    }
    return false;
}

Result<> migrate_room(postgres::Connection& connection, const DbRoom& room, Duration patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (bool said = false; !try_to_migrate(connection, room);) {
        if (std::chrono::steady_clock::now() >= end) {
            return fail(
                Errc::timed_out,
                fmt::format(
                    "others held locks of the tables of {} for all of --wait, nothing was changed",
                    room.name
                )
            );
        }
        if (!std::exchange(said, true)) {
            say(fmt::format("others hold locks of the tables of {}, trying again", room.name));
        }
        rest(migrate_rest, std::stop_token());
    }
    return {};
}

Result<int> migrate_rooms(DbSession& session, const Arguments& arguments) {
    const auto patience = arguments.duration("wait");
    if (!patience) return std::unexpected(patience.error());
    const std::vector<DbRoom> rooms = chosen_rooms(arguments);
    for (const DbRoom& room : rooms) {
        const RoomStatus status = status_of(session.connection, room);
        if (status.is_newer()) return std::unexpected(too_new(room, status));
    }
    if (arguments.is_on("dry-run")) return show_status(session, arguments);
    session.output.begin(
        {{"room", "ROOM"}, {"from", "FROM"}, {"version", "VERSION"}, {"result", "RESULT"}}
    );
    bool changed = false;
    for (const DbRoom& room : rooms) {
        const RoomStatus before = status_of(session.connection, room);
        auto done =
            migrate_room(session.connection, room, patience->value_or(migrate_wait_default));
        if (!done) return std::unexpected(done.error());
        changed = changed || !before.is_current();
        Json record;
        record.set("room", room.name).set("from", static_cast<std::uint64_t>(before.version));
        record.set("version", static_cast<std::uint64_t>(before.newest));
        record.set("result", before.is_current() ? "same" : "migrated");
        session.output.row(std::move(record));
    }
    session.output.end();
    if (!changed) return 0;
    // Roles of `tranter db roles`, where they are, use what is new as well.
    session.connection.run(std::string(postgres_jobs::grant_statements()).c_str());
    return 0;
}

/// A version on the command line.
Result<std::size_t> version_flag(
    const Arguments& arguments, std::string_view name, const DbRoom& room, std::size_t otherwise
) {
    const auto given =
        arguments.integer(name, {.min = 0, .max = static_cast<std::int64_t>(room.steps.size())});
    if (!given) return std::unexpected(given.error());
    return given->has_value() ? static_cast<std::size_t>(**given) : otherwise;
}

Result<std::string> script_of(
    const Arguments& arguments, const DbRoom& room, const RoomStatus& found
) {
    const bool back = arguments.is_on("reverse");
    const auto from = version_flag(arguments, "from", room, back ? found.newest : found.version);
    if (!from) return std::unexpected(from.error());
    const auto to = version_flag(arguments, "to", room, back ? 0 : found.newest);
    if (!to) return std::unexpected(to.error());
    if (*from == *to) return fmt::format("-- {}: nothing to do\n", room.name);
    if ((*from > *to) != back) {
        return fail(
            Errc::invalid_argument,
            back ? "--reverse goes from a newer version to an older one"
                 : "--from is newer than --to, use --reverse to go back"
        );
    }
    return back ? postgres::take_back_script(room.name, room.reversals, {*from, *to})
                : postgres::migration_script(room.name, room.steps, {*from, *to});
}

Result<int> print_scripts(postgres::Connection* connection, const Arguments& arguments) {
    if (!arguments.has("room") && (arguments.has("from") || arguments.has("to"))) {
        return fail(
            Errc::invalid_argument, "--from and --to are of one --room, each has its own versions"
        );
    }
    std::string text;
    for (const DbRoom& room : chosen_rooms(arguments)) {
        RoomStatus found{.newest = room.steps.size()};
        if (connection != nullptr) found = status_of(*connection, room);
        if (found.is_newer()) return std::unexpected(too_new(room, found));
        const auto script = script_of(arguments, room, found);
        if (!script) return std::unexpected(script.error());
        text += *script;
    }
    write_all(STDOUT_FILENO, text);
    return 0;
}

Result<int> print_missing(DbSession& session, const Arguments& arguments) {
    return print_scripts(&session.connection, arguments);
}

/// Without --url there need not be a database.
Result<int> run_print(const Arguments& arguments) {
    if (arguments.has("url")) return run_in_database(arguments, print_missing);
    return print_scripts(nullptr, arguments);
}

}  // namespace

Command db_migrate_command() {
    return {
        .name = "migrate",
        .summary = "bring the tables to the version of this program",
        .description =
            "All steps of a room are one transaction under a lock that only migrations take, so "
            "several may run\nat a time. Workers of the version before go on meanwhile. A lock of "
            "others is waited for 2 s at a time,\nso that nobody queues behind it for longer.",
        .options = with_db_options(
            {room_option(),
             {.name = "dry-run", .value = "", .help = "only say what would be done"},
             {.name = "wait",
              .value = "DURATION",
              .help = "how long to try again while others hold locks (default: 1m)"}}
        ),
        .examples =
            {{"before a new version is rolled out",
              "tranter db migrate --url postgres://owner@db.internal/app"}},
        .run = in_database<migrate_rooms>,
    };
}

Command db_status_command() {
    return {
        .name = "status",
        .summary = "say which versions the tables have, and what migrate would do",
        .options = with_db_options(
            {room_option(),
             {.name = "check",
              .value = "",
              .help = "end with exit code 4 unless all tables are current"}}
        ),
        .examples = {{"in a deployment", "tranter db status --check -o json"}},
        .run = in_database<show_status>,
    };
}

Command db_print_command() {
    return {
        .name = "print",
        .summary = "print the statements of migrate, to be read or run by somebody else",
        .description =
            "Without --url from nothing to the newest version, and no database is asked; with "
            "--url what is\nmissing there.",
        .options = with_db_options(
            {room_option(),
             {.name = "from",
              .value = "N",
              .help = "from this version on (default: what is there)"},
             {.name = "to", .value = "N", .help = "up to this version (default: the newest)"},
             {.name = "reverse", .value = "", .help = "the statements of rollback instead"}}
        ),
        .examples =
            {{"for a review", "tranter db print --room jobs > jobs.sql"},
             {"what is missing", "tranter db print --url postgres://db.internal/app | psql"}},
        .run = run_print,
    };
}

}  // namespace tranter::cli
