#include "postgres_jobs/adoption.hpp"

#include "base/unicode.hpp"
#include "postgres_jobs/adopted_table.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <span>

namespace tranter::postgres_jobs {
namespace {

using postgres::Connection;
using postgres::Parameter;
using postgres::Rows;

// The texts below are written by PostgreSQL's format(), which quotes what users named: %I is an
// identifier, %L a literal, %s SQL that came from here or from the catalog. Functions run as who
// made them, so that writers need no rights in the schema, and find nothing by search_path.
constexpr std::string_view function_head =
    " RETURNS trigger\n"
    "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ";

// 1 schema, 2 table, 3 status, 4 queued, 5 id, 6 type of id, 7 type of status, 8 name of
// the function that enqueues, 9 queue, 10 the job's type, 11 payload, 12 prefix of keys, 13
// running, 14 done, 15 failed, 16 cancelled (each a literal or NULL), 17 known values, 18 the table
// as text, 19 and 20 names of the functions that let a row go and that follow

// A row that another one's settlement changed is no wish of a writer.
constexpr std::string_view enqueue_body = R"sql(
BEGIN
    IF current_setting('tranter.follows', true) = 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM tranter.enqueue_row(%9$L, %10$s, %11$s, %12$L || new.%5$I::text);
    RETURN NULL;
END
)sql";

// A job that somebody is about to receive has begun: waiting for it could be a deadlock.
constexpr std::string_view leave_body = R"sql(
BEGIN
    IF current_setting('tranter.follows', true) = 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM tranter.cancel_job(id) FROM (
        SELECT id FROM tranter.jobs
        WHERE queue_id = (SELECT id FROM tranter.queues WHERE name = %9$L)
            AND dedup_key = %12$L || old.%5$I::text AND state IN (0, 1) AND home_id IS NULL
        FOR UPDATE SKIP LOCKED) waiting;
    RETURN NULL;
END
)sql";

// While another job of the row waits, the row is queued, whatever became of this one.
constexpr std::string_view follow_body = R"sql(
#variable_conflict use_variable
DECLARE
    wanted text;
    expected text[] := ARRAY[%17$s];
    key text := new.dedup_key;
    row_id %6$s;
    ends boolean := false;
BEGIN
    IF TG_OP = 'INSERT' THEN
        ends := true;
        wanted := CASE new.state WHEN 3 THEN %14$s WHEN 5 THEN %15$s ELSE %16$s END;
        IF new.state = 6 THEN
            expected := ARRAY[%4$L];
            IF new.started_at IS NOT NULL AND %13$s IS NOT NULL THEN
                expected := expected || %13$s::text;
            END IF;
        END IF;
    ELSIF new.home_id IS NOT NULL THEN
        IF old.home_id IS NOT NULL THEN
            RETURN NULL;
        END IF;
        ends := true;
        key := coalesce(key, old.dedup_key);
        wanted := %15$s;
    ELSIF new.state = 2 THEN
        wanted := %13$s;
    ELSIF old.state = 2 OR old.home_id IS NOT NULL THEN
        wanted := %4$L;
    END IF;
    IF wanted IS NULL OR key IS NULL OR NOT starts_with(key, %12$L)
        OR to_regclass(%18$L) IS NULL THEN
        RETURN NULL;
    END IF;
    IF ends AND EXISTS (
        SELECT FROM tranter.jobs
        WHERE queue_id = (SELECT id FROM tranter.queues WHERE name = %9$L)
            AND dedup_key = key AND home_id IS NULL) THEN
        RETURN NULL;
    END IF;
    -- Whatever stands there, the job goes on.
    BEGIN
        row_id := substr(key, length(%12$L) + 1)::%6$s;
    EXCEPTION WHEN data_exception OR check_violation THEN
        RETURN NULL;
    END;
    PERFORM set_config('tranter.follows', 'on', true);
    UPDATE %1$I.%2$I AS adopted SET %3$I = wanted::%7$s
        WHERE adopted.%5$I = row_id
            AND adopted.%3$I::text = ANY(expected)
            AND adopted.%3$I::text IS DISTINCT FROM wanted;
    PERFORM set_config('tranter.follows', '', true);
    RETURN NULL;
END
)sql";

// The functions would do for the table's owner what only their maker may do.
constexpr std::string_view owner_check = R"sql(
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
        WHERE c.oid = %1$L::pg_catalog.regclass AND r.rolname = current_user) THEN
        RAISE EXCEPTION USING ERRCODE = '42501',
            MESSAGE = 'an adopted table has to be of who adopts it';
    END IF;
END
)sql";

constexpr std::string_view table_triggers = R"sql(
DROP TRIGGER IF EXISTS tranter_enqueue ON %1$I.%2$I;
DROP TRIGGER IF EXISTS tranter_enqueue_again ON %1$I.%2$I;
DROP TRIGGER IF EXISTS tranter_leave ON %1$I.%2$I;
DROP TRIGGER IF EXISTS tranter_leave_by_delete ON %1$I.%2$I;
CREATE TRIGGER tranter_enqueue AFTER INSERT ON %1$I.%2$I FOR EACH ROW
    WHEN (new.%3$I = %4$L) EXECUTE FUNCTION tranter.%8$I();
CREATE TRIGGER tranter_enqueue_again AFTER UPDATE ON %1$I.%2$I FOR EACH ROW
    WHEN (new.%3$I = %4$L AND old.%3$I IS DISTINCT FROM new.%3$I)
    EXECUTE FUNCTION tranter.%8$I();
CREATE TRIGGER tranter_leave AFTER UPDATE ON %1$I.%2$I FOR EACH ROW
    WHEN (old.%3$I = %4$L AND old.%3$I IS DISTINCT FROM new.%3$I)
    EXECUTE FUNCTION tranter.%19$I();
CREATE TRIGGER tranter_leave_by_delete AFTER DELETE ON %1$I.%2$I FOR EACH ROW
    WHEN (old.%3$I = %4$L) EXECUTE FUNCTION tranter.%19$I();

-- what is queued already
SELECT count(job) AS enqueued FROM (
    SELECT tranter.enqueue_row(%9$L, %10$s, %11$s, %12$L || new.%5$I::text) AS job
    FROM %1$I.%2$I AS new WHERE new.%3$I = %4$L ORDER BY new.%5$I) AS made;
)sql";

// Last, since they lock what all queues use.
constexpr std::string_view job_triggers_body = R"sql(
DECLARE
    queue integer := tranter.queue_of(%9$L);
BEGIN
    DROP TRIGGER IF EXISTS %20$I ON tranter.jobs;
    DROP TRIGGER IF EXISTS %20$I ON tranter.finished_jobs;
    EXECUTE format('CREATE TRIGGER %%1$I AFTER UPDATE OF state, home_id ON tranter.jobs '
        'FOR EACH ROW WHEN ((new.queue_id = %%2$s OR new.home_id = %%2$s) '
        'AND (new.state <> old.state OR new.home_id IS DISTINCT FROM old.home_id)) '
        'EXECUTE FUNCTION tranter.%%1$I()', %20$L, queue);
    EXECUTE format('CREATE TRIGGER %%1$I AFTER INSERT ON tranter.finished_jobs '
        'FOR EACH ROW WHEN (new.queue_id = %%2$s) EXECUTE FUNCTION tranter.%%1$I()',
        %20$L, queue);
END
)sql";

constexpr std::string_view removal_pattern = R"sql(BEGIN;
SET LOCAL lock_timeout = '2s';
DROP TRIGGER IF EXISTS %1$I ON tranter.jobs;
DROP TRIGGER IF EXISTS %1$I ON tranter.finished_jobs;
DROP FUNCTION IF EXISTS tranter.%2$I() CASCADE;
DROP FUNCTION IF EXISTS tranter.%3$I() CASCADE;
DROP FUNCTION IF EXISTS tranter.%1$I() CASCADE;
COMMIT;
)sql";

/// Between dollar quotes that do not occur in it.
std::string in_dollar_quotes(std::string_view body) {
    std::string tag = "$tranter$";
    for (int number = 1; body.find(tag) != std::string_view::npos; ++number)
        tag = fmt::format("$tranter{}$", number);
    return fmt::format("{0}{1}{0}", tag, body);
}

struct AdoptionNames {
    std::string enqueue{};
    std::string leave{};
    std::string follow{};
};

AdoptionNames adoption_names(std::string_view base) {
    return {
        .enqueue = fmt::format("adopted_{}_enqueue", base),
        .leave = fmt::format("adopted_{}_leave", base),
        .follow = fmt::format("adopted_{}_follow", base)};
}

/// What the texts above are formatted with.
Result<std::vector<Parameter>> adoption_values(
    Connection& connection,
    const Adoption& adoption,
    const AdoptedTable& table,
    const AdoptionNames& names
) {
    const auto status_type = type_of_column(connection, table, adoption.status_column);
    if (!status_type) return std::unexpected(status_type.error());
    if (auto ok = check_values(connection, *status_type, adoption); !ok) {
        return std::unexpected(ok.error());
    }
    const auto id = id_of_rows(connection, table, adoption.id_column);
    if (!id) return std::unexpected(id.error());
    const auto id_type = type_of_column(connection, table, *id);
    if (!id_type) return std::unexpected(id_type.error());
    const auto type = job_type_of_row(connection, adoption, table);
    if (!type) return std::unexpected(type.error());
    const auto payload = payload_of_row(connection, adoption, table, *id);
    if (!payload) return std::unexpected(payload.error());
    const auto literal = [&](const Parameter& value) {
        return formatted(connection, "%L", {value});
    };
    const Parameter cancelled =
        adoption.cancelled_value ? adoption.cancelled_value : adoption.failed_value;
    std::string known = literal(adoption.queued_value);
    for (const Parameter& value :
         {adoption.running_value, adoption.done_value, adoption.failed_value, cancelled}) {
        if (value) known += ", " + literal(value);
    }
    return std::vector<Parameter>{
        table.schema,
        table.name,
        adoption.status_column,
        adoption.queued_value,
        *id,
        *id_type,
        *status_type,
        names.enqueue,
        adoption.queue,
        *type,
        *payload,
        fmt::format("{}{}:", row_key_prefix, table.quoted),
        literal(adoption.running_value),
        literal(adoption.done_value),
        literal(adoption.failed_value),
        literal(cancelled),
        known,
        table.quoted,
        names.leave,
        names.follow};
}

Result<> check_adopted_queue(const Adoption& adoption) {
    if (adoption.queue.empty()) return fail(Errc::invalid_argument, "queue is empty");
    if (!is_valid_kind(adoption.type)) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "type is {}, expected 1 to {} letters, digits and _ - . : /",
                in_quotes(adoption.type),
                kind_bytes_max
            )
        );
    }
    return {};
}

/// By its triggers, so that it is found under another name too; otherwise by what it was called.
std::string hash_of_adopted(Connection& connection, const AdoptedTable& table) {
    const std::array<Parameter, 1> parameters{table.oid};
    const Rows rows = connection.query(
        "SELECT substr(p.proname, 9, 12) FROM pg_catalog.pg_trigger t "
        "JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = $1::oid AND p.pronamespace = 'tranter'::regnamespace "
        "AND p.proname ~ '^adopted_[0-9a-f]{12}_enqueue$' LIMIT 1",
        parameters
    );
    return rows.empty() ? "" : std::string(rows.text(0, 0));
}

}  // namespace

Result<std::string> adoption_script(Connection& connection, const Adoption& adoption) {
    const auto table = find_table(connection, adoption.schema, adoption.table);
    if (!table) return std::unexpected(table.error());
    if (auto ok = check_adopted_queue(adoption); !ok) return std::unexpected(ok.error());
    if (!table->is_own) {
        return fail(
            Errc::permission_denied,
            fmt::format(
                "{} belongs to {}: it can only be adopted by its owner, who has to be that of the "
                "schema tranter, too",
                table->quoted,
                in_quotes(table->owner)
            )
        );
    }
    const AdoptionNames names = adoption_names(table->hash);
    const auto values = adoption_values(connection, adoption, *table, names);
    if (!values) return std::unexpected(values.error());
    std::string text = fmt::format("BEGIN;\nSET LOCAL lock_timeout = '{}';\n", adoption_lock_wait);
    const std::string check = formatted(connection, owner_check, {table->quoted});
    text += fmt::format("\nDO {};\n", in_dollar_quotes(check));
    const std::array<std::pair<const std::string*, std::string_view>, 3> functions{
        {{&names.enqueue, enqueue_body}, {&names.leave, leave_body}, {&names.follow, follow_body}}};
    for (const auto& [name, body] : functions) {
        text += fmt::format(
            "\nCREATE OR REPLACE FUNCTION tranter.{0}(){1}{2};\n"
            "REVOKE ALL ON FUNCTION tranter.{0}() FROM PUBLIC;\n",
            *name,
            function_head,
            in_dollar_quotes(formatted(connection, body, *values))
        );
    }
    text += formatted(connection, table_triggers, *values);
    text += fmt::format(
        "\nDO {};\nCOMMIT;\n", in_dollar_quotes(formatted(connection, job_triggers_body, *values))
    );
    return text;
}

Result<std::string> removal_script(
    Connection& connection, const std::string& schema, const std::string& table
) {
    const auto found = find_table(connection, schema, table);
    if (!found) return std::unexpected(found.error());
    const std::string hash = hash_of_adopted(connection, *found);
    if (hash.empty()) {
        return fail(Errc::not_found, fmt::format("{} is not adopted", found->quoted));
    }
    const AdoptionNames names = adoption_names(hash);
    return formatted(connection, removal_pattern, {names.follow, names.leave, names.enqueue});
}

std::vector<std::string> adopted_tables(Connection& connection) {
    const Rows rows = connection.query(
        "SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname) "
        "FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid "
        "JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace AND s.nspname = 'tranter' "
        "JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname <> 'tranter' "
        "WHERE p.proname ~ '^adopted_[0-9a-f]{12}_enqueue$' ORDER BY 1"
    );
    std::vector<std::string> tables;
    for (std::size_t i = 0; i < rows.size(); ++i)
        tables.emplace_back(rows.text(i, 0));
    return tables;
}

}  // namespace tranter::postgres_jobs
