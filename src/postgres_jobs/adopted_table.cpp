#include "postgres_jobs/adopted_table.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <array>

namespace tranter::postgres_jobs {

using postgres::Connection;
using postgres::Parameter;
using postgres::Rows;

std::string formatted(
    Connection& connection, std::string_view pattern, std::span<const Parameter> values
) {
    const std::array<Parameter, 2> parameters{std::string(pattern), postgres::array_of(values)};
    const Rows made =
        connection.query("SELECT pg_catalog.format($1, VARIADIC $2::text[])", parameters);
    return std::string(made.text(0, 0));
}

std::string formatted(
    Connection& connection, std::string_view pattern, std::initializer_list<Parameter> values
) {
    return formatted(connection, pattern, std::span(values.begin(), values.size()));
}

Result<AdoptedTable> find_table(
    Connection& connection, const std::string& schema, const std::string& table
) {
    const std::array<Parameter, 2> parameters{table, schema};
    connection.begin();
    connection.query(
        "SELECT pg_catalog.set_config('search_path', reset_val, true) "
        "FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'search_path'"
    );
    const Rows rows = connection.query(
        "SELECT n.nspname, c.relname, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), "
        "left(md5(pg_catalog.format('%I.%I', n.nspname, c.relname)), 12), "
        "pg_catalog.pg_get_userbyid(c.relowner), pg_catalog.pg_get_userbyid(c.relowner) = "
        "current_user "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname <> 'tranter' "
        "AND CASE WHEN $2 = '' THEN pg_catalog.pg_table_is_visible(c.oid) "
        "ELSE n.nspname = $2 END",
        parameters
    );
    connection.rollback();
    if (!rows.empty()) {
        return AdoptedTable{
            .schema = std::string(rows.text(0, 0)),
            .name = std::string(rows.text(0, 1)),
            .oid = std::string(rows.text(0, 2)),
            .quoted = std::string(rows.text(0, 3)),
            .hash = std::string(rows.text(0, 4)),
            .owner = std::string(rows.text(0, 5)),
            .is_own = rows.boolean(0, 6)};
    }
    const std::string where = schema.empty() ? "search_path" : "schema " + in_quotes(schema);
    return fail(
        Errc::not_found,
        fmt::format(
            "there is no table {} in {}, name its schema and write both as the catalog does",
            in_quotes(table),
            where
        )
    );
}

Result<std::string> type_of_column(
    Connection& connection, const AdoptedTable& table, const std::string& column
) {
    const std::array<Parameter, 2> parameters{table.oid, column};
    const Rows rows = connection.query(
        "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = $1::oid AND attname = $2 AND attnum > 0 AND NOT attisdropped",
        parameters
    );
    if (!rows.empty()) return std::string(rows.text(0, 0));
    return fail(
        Errc::not_found, fmt::format("{} has no column {}", table.quoted, in_quotes(column))
    );
}

Result<std::string> id_of_rows(
    Connection& connection, const AdoptedTable& table, const std::string& named
) {
    if (!named.empty()) {
        if (auto type = type_of_column(connection, table, named); !type) {
            return std::unexpected(type.error());
        }
    }
    const std::array<Parameter, 2> parameters{table.oid, named};
    const Rows rows = connection.query(
        "SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a "
        "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE i.indrelid = $1::oid AND i.indisunique AND i.indnkeyatts = 1 "
        "AND i.indpred IS NULL AND a.attnotnull "
        "AND CASE WHEN $2 = '' THEN i.indisprimary ELSE a.attname = $2 END",
        parameters
    );
    if (!rows.empty()) return std::string(rows.text(0, 0));
    if (named.empty()) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "{} has no primary key of one column, name a unique column that is NOT NULL",
                table.quoted
            )
        );
    }
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "column {} of {} does not tell its rows apart, expected one that is UNIQUE and "
            "NOT NULL",
            in_quotes(named),
            table.quoted
        )
    );
}

namespace {

Result<> check_value(Connection& connection, const std::string& type, const Parameter& value) {
    if (!value) return {};
    const std::string sql = formatted(connection, "SELECT %L::%s::text", {value, type});
    std::string kept;
    try {
        kept = connection.query(sql.c_str()).text(0, 0);
    } catch (const postgres::DatabaseError& error) {
        if (error.trouble() != postgres::Trouble::other) throw;
        return fail(Errc::invalid_argument, error.what());
    }
    if (kept == *value) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "a column of type {} turns {} into {}", type, in_quotes(*value), in_quotes(kept)
        )
    );
}

}  // namespace

Result<> check_values(Connection& connection, const std::string& type, const Adoption& adoption) {
    for (const Parameter& value :
         {Parameter(adoption.queued_value),
          adoption.running_value,
          adoption.done_value,
          adoption.failed_value,
          adoption.cancelled_value}) {
        if (auto ok = check_value(connection, type, value); !ok) return ok;
    }
    return {};
}

Result<std::string> job_type_of_row(
    Connection& connection, const Adoption& adoption, const AdoptedTable& table
) {
    if (adoption.type_column.empty()) return formatted(connection, "%L", {adoption.type});
    if (auto type = type_of_column(connection, table, adoption.type_column); !type) {
        return std::unexpected(type.error());
    }
    return formatted(
        connection, "coalesce(new.%I::text, %L)", {adoption.type_column, adoption.type}
    );
}

Result<std::string> payload_of_row(
    Connection& connection,
    const Adoption& adoption,
    const AdoptedTable& table,
    const std::string& id
) {
    if (adoption.payload_row) return "to_jsonb(new)";
    if (adoption.payload_column.empty()) {
        return formatted(connection, "jsonb_build_object('id', new.%I)", {id});
    }
    if (auto type = type_of_column(connection, table, adoption.payload_column); !type) {
        return std::unexpected(type.error());
    }
    return formatted(connection, "coalesce(to_jsonb(new.%I), 'null')", {adoption.payload_column});
}

}  // namespace tranter::postgres_jobs
