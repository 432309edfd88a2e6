#include "cli/db_commands.hpp"
#include "cli/db_session.hpp"
#include "cli/stdout_output.hpp"
#include "postgres/migrate.hpp"
#include "postgres/pool.hpp"
#include "postgres/target.hpp"
#include "postgres_jobs/maintenance.hpp"
#include "postgres_jobs/schema.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <vector>

// `tranter db maintain`.
namespace tranter::cli {
namespace {

Json periods_json(const std::vector<std::int64_t>& periods) {
    Json out(Json::Array{});
    for (const std::int64_t period : periods)
        out.push(period);
    return out;
}

Result<int> maintain_tables(const Arguments& arguments) {
    const auto url = choose_database(arguments);
    if (!url) return std::unexpected(url.error());
    const auto target = postgres::parse_target(*url);
    if (!target) return std::unexpected(target.error());
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();
    postgres::Pool pool(*target, "the store of jobs");
    const auto version = pool.read([](postgres::Connection& connection) -> Result<std::size_t> {
        return postgres::version_of(connection, postgres_jobs::schema_room);
    });
    if (!version) return std::unexpected(version.error());
    if (*version == 0) {
        return fail(Errc::conflict, "there are no tables of jobs yet: `tranter db migrate` first");
    }
    const auto done = postgres_jobs::maintain(pool, postgres_jobs::MaintenanceTime::now, stop);
    if (!done) return std::unexpected(done.error());
    if (done->is_other_busy) {
        return fail(Errc::conflict, "somebody else maintains the tables at the moment");
    }
    Json record;
    record.set("begun", periods_json(done->begun)).set("indexed", periods_json(done->indexed));
    record.set("dropped", periods_json(done->dropped)).set("forgotten", done->forgotten);
    record.set("skipped", done->skipped);
    Output(stdout_options(arguments)).one(record);
    if (done->skipped == 0) return 0;
    return fail(
        Errc::conflict,
        fmt::format("somebody else was at {} of the steps, which were skipped", done->skipped)
    );
}

}  // namespace

Command db_maintain_command() {
    return {
        .name = "maintain",
        .summary = "do now what workers do once a minute: periods of the history begin and end",
        .description =
            "Begins a new period of finished jobs when the last one is large or old, indexes those "
            "that ended,\ndrops those that are not kept any more, and forgets workers and keys. "
            "Needed only where no worker\nruns.",
        .options = with_db_options({}),
        .examples = {{"every hour, from cron", "tranter db maintain -o ndjson"}},
        .run = maintain_tables,
    };
}

}  // namespace tranter::cli
