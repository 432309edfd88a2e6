#include "postgres/migrate.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

namespace tranter::postgres {
namespace {

// One lock for all rooms, since they share the schema. The number is "TrMi".
constexpr const char* lock_schema = "SELECT pg_advisory_xact_lock(1416777065)";
constexpr const char* make_schema = "CREATE SCHEMA IF NOT EXISTS tranter";
constexpr const char* make_versions = R"sql(
CREATE TABLE IF NOT EXISTS tranter.schema_versions(
    room text NOT NULL, version integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY(room, version));
)sql";

/// Reads the catalog itself: to_regclass() and the like answer from a cache, which does not know
/// what another program did while we waited for its lock.
bool is_there(Connection& connection, const char* in_catalog) {
    return !connection.query(in_catalog).empty();
}

}  // namespace

std::size_t version_of(Connection& connection, std::string_view room) {
    const char* in_catalog =
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'tranter' AND "
        "tablename = 'schema_versions'";
    if (!is_there(connection, in_catalog)) return 0;
    const std::array<Parameter, 1> parameters{std::string(room)};
    constexpr const char* newest =
        "SELECT coalesce(max(version), 0) FROM tranter.schema_versions WHERE room = $1";
    try {
        return static_cast<std::size_t>(connection.query(newest, parameters).integer(0, 0));
    } catch (const DatabaseError& error) {
        if (error.trouble() != Trouble::refused) throw;
        throw DatabaseError(
            Trouble::refused,
            fmt::format(
                "{}: to use the tables it needs a role that `tranter db roles` makes, such as "
                "tranter_worker, and to change them it has to be their owner",
                error.what()
            )
        );
    }
}

namespace {

void take_steps(Connection& connection, std::string_view room, std::span<const Migration> steps) {
    connection.query(lock_schema);
    const std::size_t found = version_of(connection, room);
    // Who may not make a schema can be given one, but to ask for it even then is refused.
    const char* in_catalog = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'tranter'";
    if (!is_there(connection, in_catalog)) connection.run(make_schema);
    connection.run(make_versions);
    for (std::size_t version = found; version < steps.size(); ++version) {
        connection.run(std::string(steps[version]).c_str());
        const std::array<Parameter, 2> parameters{
            std::string(room), fmt::format("{}", version + 1)};
        connection.query(
            "INSERT INTO tranter.schema_versions(room, version) VALUES($1, $2)", parameters
        );
        if (found > 0) log_info(room, "schema migrated", {{"version", version + 1}});
    }
}

}  // namespace

std::string first_migration() {
    return fmt::format("{};{}", make_schema, make_versions);
}

void migrate(Connection& connection, std::string_view room, std::span<const Migration> steps) {
    std::size_t found = version_of(connection, room);
    if (found < steps.size()) {
        connection.run("BEGIN");
        try {
            take_steps(connection, room, steps);
            connection.run("COMMIT");
        } catch (const DatabaseError& error) {
            if (connection.is_alive()) connection.run("ROLLBACK");
            if (error.trouble() != Trouble::refused) throw;
            const std::string text = fmt::format(
                "its schema \"tranter\" has version {} of {} for {}, and this user may not change "
                "it ({}): run `tranter db migrate` as its owner",
                found,
                steps.size(),
                room,
                error.what()
            );
            throw DatabaseError(Trouble::refused, text);
        }
        found = version_of(connection, room);
    }
    if (found > steps.size()) {
        throw SystemError(fmt::format(
            "its schema \"tranter\" has version {} for {}, this program knows {}: use the newer "
            "program or another database",
            found,
            room,
            steps.size()
        ));
    }
}

void take_back(
    Connection& connection,
    std::string_view room,
    std::span<const Migration> reversals,
    std::size_t to
) {
    connection.query(lock_schema);
    for (std::size_t version = version_of(connection, room); version > to; --version) {
        connection.run(std::string(reversals[version - 1]).c_str());
        const std::array<Parameter, 2> parameters{std::string(room), fmt::format("{}", version)};
        connection.query(
            "DELETE FROM tranter.schema_versions WHERE room = $1 AND version = $2", parameters
        );
    }
}

std::string migration_script(
    std::string_view room, std::span<const Migration> steps, Versions versions
) {
    std::string text = fmt::format("BEGIN;\n{};\n", lock_schema);
    if (versions.from == 0) text += fmt::format("{};{}", make_schema, make_versions);
    for (std::size_t version = versions.from; version < versions.to; ++version) {
        text += fmt::format(
            "\n-- {0} {1}{2}"
            "INSERT INTO tranter.schema_versions(room, version) VALUES('{0}', {1});\n",
            room,
            version + 1,
            steps[version]
        );
    }
    return text + "COMMIT;\n";
}

std::string take_back_script(
    std::string_view room, std::span<const Migration> reversals, Versions versions
) {
    std::string text = fmt::format("BEGIN;\n{};\n", lock_schema);
    for (std::size_t version = versions.from; version > versions.to; --version) {
        text += fmt::format(
            "\n-- back from {0} {1}{2}"
            "DELETE FROM tranter.schema_versions WHERE room = '{0}' AND version = {1};\n",
            room,
            version,
            reversals[version - 1]
        );
    }
    return text + "COMMIT;\n";
}

}  // namespace tranter::postgres
