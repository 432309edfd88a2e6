#include "cli/db_commands.hpp"
#include "cli/db_session.hpp"
#include "cli/terminal.hpp"
#include "postgres_jobs/adoption.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <optional>

// `tranter db adopt`.
namespace tranter::cli {
namespace {

/// A kind of job that the table's name makes, as far as it can.
std::string kind_of_table(std::string_view table) {
    return is_valid_kind(table) ? std::string(table) : std::string("row");
}

Result<postgres_jobs::Adoption> read_adoption(const Arguments& arguments) {
    for (const std::string_view required : {"status-column", "queued-value", "queue"}) {
        if (arguments.has(required)) continue;
        return fail(Errc::invalid_argument, fmt::format("--{} is missing", required));
    }
    if (arguments.is_on("payload-row") && arguments.has("payload-column")) {
        return fail(
            Errc::invalid_argument,
            "--payload-row and --payload-column are both given, expected one"
        );
    }
    return postgres_jobs::Adoption{
        .schema = arguments.text("schema"),
        .table = arguments.text("table"),
        .id_column = arguments.text("id-column"),
        .status_column = arguments.text("status-column"),
        .queued_value = arguments.text("queued-value"),
        .running_value = arguments.find("running-value"),
        .done_value = arguments.find("done-value"),
        .failed_value = arguments.find("failed-value"),
        .cancelled_value = arguments.find("cancelled-value"),
        .queue = arguments.text("queue"),
        .type = arguments.find("type").value_or(kind_of_table(arguments.text("table"))),
        .type_column = arguments.text("type-column"),
        .payload_column = arguments.text("payload-column"),
        .payload_row = arguments.is_on("payload-row")};
}

Result<std::string> adopt_script(DbSession& session, const Arguments& arguments) {
    if (arguments.is_on("remove")) {
        return postgres_jobs::removal_script(
            session.connection, arguments.text("schema"), arguments.text("table")
        );
    }
    const auto adoption = read_adoption(arguments);
    if (!adoption) return std::unexpected(adoption.error());
    return postgres_jobs::adoption_script(session.connection, *adoption);
}

Result<int> adopt_table(DbSession& session, const Arguments& arguments) {
    if (!arguments.has("table")) return fail(Errc::invalid_argument, "--table is missing");
    const auto script = adopt_script(session, arguments);
    if (!script) return std::unexpected(script.error());
    if (!arguments.is_on("apply")) {
        write_all(STDOUT_FILENO, *script);
        return 0;
    }
    session.connection.run(script->c_str());
    Json record;
    record.set("table", arguments.text("table"));
    record.set("result", arguments.is_on("remove") ? "removed" : "adopted");
    if (!arguments.is_on("remove")) record.set("queue", arguments.text("queue"));
    session.output.one(record);
    return 0;
}

std::vector<Option> adopt_options() {
    return {
        {.name = "table", .value = "NAME", .help = "the table, written as the catalog does"},
        {.name = "schema", .value = "NAME", .help = "of the table (default: by search_path)"},
        {.name = "status-column", .value = "NAME", .help = "the column that says what is to do"},
        {.name = "queued-value", .value = "TEXT", .help = "its value for that"},
        {.name = "id-column",
         .value = "NAME",
         .help = "a unique column that is NOT NULL (default: the primary key)"},
        {.name = "running-value", .value = "TEXT", .help = "what it says while a job runs"},
        {.name = "done-value", .value = "TEXT", .help = "what it says of a job that succeeded"},
        {.name = "failed-value", .value = "TEXT", .help = "what it says of a dead job"},
        {.name = "cancelled-value",
         .value = "TEXT",
         .help = "what it says of a cancelled job (default: --failed-value)"},
        {.name = "queue", .value = "NAME", .help = "where the jobs are enqueued"},
        {.name = "type", .value = "NAME", .help = "of the jobs (default: the name of the table)"},
        {.name = "type-column",
         .value = "NAME",
         .help = "a column with the type; where it is NULL, --type"},
        {.name = "payload-column",
         .value = "NAME",
         .help = "a column that is the payload (default: {\"id\": ...})"},
        {.name = "payload-row", .value = "", .help = "the whole row is the payload"},
        {.name = "remove", .value = "", .help = "undo it; jobs stay"},
        {.name = "apply", .value = "", .help = "run the statements instead of printing them"},
    };
}

}  // namespace

Command db_adopt_command() {
    return {
        .name = "adopt",
        .summary =
            "let workers do what a table with a status column says, without its writers "
            "knowing",
        .description =
            "Prints the triggers, or makes them with --apply. A row that becomes queued is "
            "enqueued "
            "in the\ntransaction that made it so, and its status follows the job. Rows that are "
            "queued are enqueued once.\nBoth the table and the schema `tranter` have to be of who "
            "applies it.",
        .options = with_db_options(adopt_options()),
        .examples =
            {{"a table that something polls so far",
              "tranter db adopt --table jobs --status-column status --queued-value queued "
              "--running-value running --done-value done --apply"},
             {"undo it", "tranter db adopt --table jobs --remove --apply"}},
        .run = in_database<adopt_table>,
    };
}

}  // namespace tranter::cli
