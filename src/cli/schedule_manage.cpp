#include "cli/job_session.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_flags.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"
#include "cli/terminal.hpp"
#include "postgres/migrate.hpp"
#include "postgres/target.hpp"
#include "schedule/postgres_schema.hpp"
#include "schedule/sqlite_schema.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace tranter::cli {
namespace {

Positional schedule_positional() {
    return {.name = "NAME", .help = "of the schedule"};
}

Result<int> print_changed(ScheduleSession& session, const Result<Schedule>& changed) {
    if (!changed) return std::unexpected(changed.error());
    session.output.one(schedule_record(*changed, session.style()));
    return 0;
}

Result<int> pause_schedule(ScheduleSession& session, const Arguments& arguments) {
    return print_changed(
        session,
        schedule::pause(session.registry(), arguments.text("NAME"), arguments.text("reason"))
    );
}

Result<int> resume_schedule(ScheduleSession& session, const Arguments& arguments) {
    return print_changed(
        session,
        schedule::resume(session.registry(), arguments.text("NAME"), ScheduleSession::now())
    );
}

Result<int> run_schedule_now(ScheduleSession& session, const Arguments& arguments) {
    const auto run =
        schedule::run_now(session.registry(), arguments.text("NAME"), ScheduleSession::now());
    if (!run) return std::unexpected(run.error());
    Json record;
    record.set("job", schedule::job_id_of(*run)).set("schedule", run->schedule);
    session.output.one(record);
    return 0;
}

Result<int> skip_slot(ScheduleSession& session, const Arguments& arguments) {
    const auto provider = find_job_provider(arguments);
    if (!provider) return std::unexpected(provider.error());
    const auto slot = schedule::skip_next(
        session.registry(), arguments.text("NAME"), ScheduleSession::now(), provider->get()
    );
    if (!slot) return std::unexpected(slot.error());
    Json record;
    record.set("skipped", time_cell(*slot, {})).set("schedule", arguments.text("NAME"));
    session.output.one(record);
    return 0;
}

Result<int> backfill_schedule(ScheduleSession& session, const Arguments& arguments) {
    const auto from = find_time_flag(arguments, "from");
    if (!from) return std::unexpected(from.error());
    const auto to = find_time_flag(arguments, "to");
    if (!to) return std::unexpected(to.error());
    if (!*from) return fail(Errc::invalid_argument, "--from is missing, expected a time");
    const TimePoint now = ScheduleSession::now();
    const bool dry_run = arguments.is_on("dry-run");
    schedule::BackfillRequest request{
        .period = {.from = **from, .to = to->value_or(now)}, .dry_run = dry_run};
    if (arguments.find("overlap")) request.overlap = Overlap::allow;
    const auto found = schedule::backfill(session.registry(), arguments.text("NAME"), request, now);
    if (!found) return std::unexpected(found.error());
    session.output.begin({{"slot", "SLOT"}});
    for (const TimePoint slot : found->slots) {
        Json record;
        record.set("slot", time_cell(slot, {}));
        session.output.row(std::move(record));
    }
    session.output.end();
    if (dry_run) {
        say(fmt::format("{} slots; nothing was changed", found->slots.size()));
    } else {
        say(fmt::format(
            "{} of {} slots will run, the others have", found->claimed, found->slots.size()
        ));
    }
    return 0;
}

Result<int> remove_schedule(ScheduleSession& session, const Arguments& arguments) {
    session.output.begin({{"name", "NAME"}, {"result", "RESULT"}});
    for (const std::string& name : arguments.list("NAME")) {
        if (auto removed = session.store.remove(name); !removed) {
            session.output.end();
            return std::unexpected(removed.error());
        }
        Json record;
        record.set("name", name).set("result", "removed");
        session.output.row(std::move(record));
    }
    session.output.end();
    return 0;
}

Result<int> migrate_store(const Arguments& arguments) {
    if (!arguments.is_on("print")) {
        const auto session = ScheduleSession::open(arguments);
        if (!session) return std::unexpected(session.error());
        say("the tables are those of this version");
        return 0;
    }
    const auto url = choose_schedule_store(arguments);
    const bool is_postgres = url && postgres::is_postgres_url(*url);
    const auto steps =
        is_postgres ? schedule::postgres_migrations() : schedule::sqlite_migrations();
    std::string text = is_postgres ? "-- once\n" + postgres::first_migration() : "";
    std::size_t version = 0;
    for (const std::string_view step : steps)
        text += fmt::format("-- version {}{}", ++version, step);
    write_all(STDOUT_FILENO, text);
    return 0;
}

}  // namespace

Command schedule_pause_command() {
    return {
        .name = "pause",
        .summary = "let a schedule rest; slots that pass are left out",
        .positionals = {schedule_positional()},
        .options = with_store_options(
            {{.name = "reason", .value = "TEXT", .help = "shown with the schedule"}}
        ),
        .examples =
            {{"over the holidays",
              "tranter schedule pause daily-team-report --reason 'office closed'"}},
        .run = in_schedule_session<pause_schedule>,
    };
}

Command schedule_resume_command() {
    return {
        .name = "resume",
        .summary = "go on with the next slot",
        .positionals = {schedule_positional()},
        .options = with_store_options({}),
        .examples = {{"after a pause", "tranter schedule resume daily-team-report"}},
        .run = in_schedule_session<resume_schedule>,
    };
}

Command schedule_run_command() {
    return {
        .name = "run",
        .summary = "run a schedule now, beside its slots",
        .description = "The job is enqueued by whoever runs `tranter schedule`.",
        .positionals = {schedule_positional()},
        .options = with_store_options({}),
        .examples =
            {{"and look at the job",
              "tranter job show $(tranter schedule run daily-team-report -o name)"}},
        .run = in_schedule_session<run_schedule_now>,
    };
}

Command schedule_skip_command() {
    return {
        .name = "skip",
        .summary = "leave out the next slot",
        .description =
            "Of an interval that counts from the end of the job before there is none while that "
            "job runs, which\nthe store of its jobs has to say (--provider).",
        .positionals = {schedule_positional()},
        .options = with_store_options({provider_option()}),
        .examples = {{"not tomorrow", "tranter schedule skip daily-team-report"}},
        .run = in_schedule_session<skip_slot>,
    };
}

Command schedule_backfill_command() {
    return {
        .name = "backfill",
        .summary = "run slots of the past that have not run",
        .description =
            "Slots that were missed or skipped run; those that have run do not. They run at once, "
            "so a "
            "schedule\nwith another overlap than `allow` refuses that.",
        .positionals = {schedule_positional()},
        .options = with_store_options(
            {{.name = "from", .value = "TIME", .help = "the first slot, required"},
             {.name = "to", .value = "TIME", .help = "the last slot (default: now)"},
             {.name = "dry-run", .value = "", .help = "only print the slots"},
             {.name = "overlap",
              .value = "POLICY",
              .help = "the jobs may all run at once, though the schedule has another rule",
              .choices = {"allow"}}}
        ),
        .examples =
            {{"what a downtime left out",
              "tranter schedule backfill daily-team-report --from 2026-03-01T00:00:00Z "
              "--dry-run"}},
        .run = in_schedule_session<backfill_schedule>,
    };
}

Command schedule_remove_command() {
    return {
        .name = "remove",
        .summary = "remove schedules; jobs that are enqueued stay",
        .positionals = {{.name = "NAME", .help = "of the schedules", .repeated = true}},
        .options = with_store_options({}),
        .examples = {{"one", "tranter schedule remove daily-team-report"}},
        .run = in_schedule_session<remove_schedule>,
    };
}

Command schedule_migrate_command() {
    return {
        .name = "migrate",
        .summary = "bring the tables of the store to this version, or print how",
        .description = "Every command does so by itself.",
        .options = with_store_options(
            {{.name = "print", .value = "", .help = "print the SQL and change nothing"}}
        ),
        .examples =
            {{"for review", "tranter schedule migrate --print"},
             {"of PostgreSQL",
              "tranter schedule migrate --print --store postgres://localhost/app"}},
        .run = migrate_store,
    };
}

}  // namespace tranter::cli
