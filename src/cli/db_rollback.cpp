#include "cli/db_commands.hpp"
#include "cli/db_session.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"
#include "postgres/migrate.hpp"
#include "postgres_jobs/adoption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

// `tranter db rollback`.
namespace tranter::cli {
namespace {

/// Tables of the schema and their columns.
using Shape = std::map<std::string, std::vector<std::string>, std::less<>>;

Shape shape_of_schema(postgres::Connection& connection) {
    const postgres::Rows rows = connection.query(
        "SELECT c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a "
        "ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'tranter'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND NOT c.relispartition ORDER BY 1, 2"
    );
    Shape shape;
    for (std::size_t i = 0; i < rows.size(); ++i)
        shape[std::string(rows.text(i, 0))].emplace_back(rows.text(i, 1));
    return shape;
}

struct Loss {
    std::string what{};
    std::uint64_t rows = 0;
};

std::uint64_t rows_of_table(postgres::Connection& connection, const std::string& table) {
    const std::array<postgres::Parameter, 1> name{table};
    const postgres::Rows sql = connection.query(
        "SELECT pg_catalog.format('SELECT count(*) FROM tranter.%I', $1::text)", name
    );
    const postgres::Rows count = connection.query(std::string(sql.text(0, 0)).c_str());
    return static_cast<std::uint64_t>(count.integer(0, 0));
}

/// Undoes the steps in the transaction that is open, and says what is gone then.
std::vector<Loss> take_back_steps(
    postgres::Connection& connection, const DbRoom& room, std::size_t to
) {
    const Shape before = shape_of_schema(connection);
    std::map<std::string, std::uint64_t, std::less<>> rows;
    for (const auto& [table, columns] : before)
        rows[table] = rows_of_table(connection, table);
    postgres::take_back(connection, room.name, room.reversals, to);
    const Shape after = shape_of_schema(connection);
    std::vector<Loss> losses;
    for (const auto& [table, columns] : before) {
        const auto left = after.find(table);
        if (left == after.end()) {
            losses.push_back({fmt::format("table {}", table), rows[table]});
            continue;
        }
        for (const std::string& column : columns) {
            if (std::ranges::find(left->second, column) != left->second.end()) continue;
            losses.push_back({fmt::format("column {}.{}", table, column), rows[table]});
        }
    }
    return losses;
}

struct Rollback {
    DbRoom room{};
    std::size_t from = 0;
    std::size_t to = 0;
};

Result<Rollback> read_rollback(DbSession& session, const Arguments& arguments) {
    const auto rooms = chosen_rooms(arguments);
    Rollback rollback{.room = rooms.front()};
    rollback.from = postgres::version_of(session.connection, rollback.room.name);
    if (rollback.from > rollback.room.steps.size()) {
        return fail(
            Errc::conflict,
            fmt::format(
                "the tables of {} have version {}, this program knows {} and cannot undo what it "
                "does not know: use the newer program",
                rollback.room.name,
                rollback.from,
                rollback.room.steps.size()
            )
        );
    }
    if (rollback.from == 0) {
        return fail(Errc::not_found, fmt::format("there are no tables of {}", rollback.room.name));
    }
    const auto to = arguments.integer("to", {.min = 0});
    if (!to) return std::unexpected(to.error());
    rollback.to =
        static_cast<std::size_t>(to->value_or(static_cast<std::int64_t>(rollback.from) - 1));
    if (rollback.to >= rollback.from) {
        return fail(
            Errc::conflict,
            fmt::format("the version is {}, --to has to be an older one", rollback.from)
        );
    }
    return rollback;
}

/// Triggers on tables of others call functions that a rollback drops.
Result<> refuse_adopted(DbSession& session, const Rollback& rollback) {
    if (rollback.room.name != db_rooms().front().name) return {};
    const auto tables = postgres_jobs::adopted_tables(session.connection);
    if (tables.empty()) return {};
    return fail(
        Errc::conflict,
        fmt::format(
            "{} is adopted and its writers would fail: `tranter db adopt --remove` first",
            tables.front()
        )
    );
}

std::string describe_losses(const std::vector<Loss>& losses) {
    std::string text;
    for (const Loss& loss : losses) {
        if (!text.empty()) text += ", ";
        text += fmt::format("{} with {} rows", loss.what, loss.rows);
    }
    return text.empty() ? "no table and no column" : text;
}

Result<int> roll_back(DbSession& session, const Arguments& arguments) {
    const auto rollback = read_rollback(session, arguments);
    if (!rollback) return std::unexpected(rollback.error());
    if (auto ok = refuse_adopted(session, *rollback); !ok) return std::unexpected(ok.error());
    const bool only_look = arguments.is_on("dry-run");
    if (!only_look && !arguments.is_on("yes")) {
        std::vector<Loss> losses;
        {
            const DbTransaction looking(session.connection);
            losses = take_back_steps(session.connection, rollback->room, rollback->to);
        }
        const std::string question = fmt::format(
            "This is lost for good: {}. Workers have to be stopped before. Go on?",
            describe_losses(losses)
        );
        if (auto ok = confirm(arguments, question); !ok) return std::unexpected(ok.error());
    }
    DbTransaction transaction(session.connection);
    const auto losses = take_back_steps(session.connection, rollback->room, rollback->to);
    if (!only_look) transaction.commit();
    session.output.begin({{"lost", "LOST"}, {"rows", "ROWS"}});
    for (const Loss& loss : losses) {
        Json record;
        record.set("lost", loss.what).set("rows", loss.rows);
        session.output.row(std::move(record));
    }
    session.output.end();
    say(fmt::format(
        "the tables of {} {} from version {} to {}",
        rollback->room.name,
        only_look ? "would go back" : "went back",
        rollback->from,
        rollback->to
    ));
    return 0;
}

}  // namespace

Command db_rollback_command() {
    return {
        .name = "rollback",
        .summary = "undo the newest steps of migrate, with what is in their tables",
        .description =
            "Says which tables and columns go, and how many rows they have. Stop workers of the "
            "newer version\nfirst: they look for what is gone.",
        .options = with_db_options(
            {{.name = "room",
              .value = "NAME",
              .help = "of these tables (default: jobs)",
              .choices = {"jobs", "schedule"}},
             {.name = "to", .value = "N", .help = "to this version (default: the one before)"},
             {.name = "dry-run", .value = "", .help = "only say what would be lost"},
             {.name = "yes", .value = "", .help = "do not ask", .letter = 'y'}}
        ),
        .examples =
            {{"what would be lost", "tranter db rollback --to 0 --dry-run"},
             {"back to the version before", "tranter db rollback --yes"}},
        .run = in_database<roll_back>,
    };
}

}  // namespace tranter::cli
