#include "base/json_writer.hpp"
#include "base/log_text.hpp"
#include "cli/crontab.hpp"
#include "cli/exit_code.hpp"
#include "cli/input.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"
#include "cli/terminal.hpp"
#include "jobs/options_writer.hpp"

#include <fmt/format.h>

namespace tranter::cli {
namespace {

std::string command_payload(const CrontabEntry& entry) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("command", jobs::as_utf8(entry.command));
    if (!entry.input.empty()) json.member("input", jobs::as_utf8(entry.input));
    if (!entry.user.empty()) json.member("user", jobs::as_utf8(entry.user));
    json.end_object();
    return out;
}

ScheduleDefinition definition_of(const CrontabEntry& entry, const Arguments& arguments) {
    ScheduleDefinition definition{
        .name = fmt::format("{}-{}", arguments.find("prefix").value_or("crontab"), entry.line),
        .expression = entry.expression,
        .timezone = entry.timezone,
        .type = arguments.find("type").value_or("shell"),
        .payload = command_payload(entry)};
    if (definition.timezone.empty()) definition.timezone = arguments.text("tz");
    if (const auto queue = arguments.find("queue")) definition.queue = *queue;
    return definition;
}

/// Checked in a dry run, else made.
Result<Schedule> take_over(
    ScheduleSession& session, const ScheduleDefinition& definition, bool dry_run
) {
    const TimePoint now = ScheduleSession::now();
    if (!dry_run) {
        return schedule::add(session.registry(), definition, ScheduleSource::hand, now);
    }
    const auto cadence = schedule::check_definition(session.registry(), definition, now);
    if (!cadence) return std::unexpected(cadence.error());
    const auto next = cadence->next(std::chrono::floor<std::chrono::milliseconds>(now));
    return Schedule{
        .definition = definition,
        .created_at = now,
        .updated_at = now,
        .next_slot = next ? std::optional<TimePoint>(*next) : std::nullopt};
}

Result<int> import_crontab(ScheduleSession& session, const Arguments& arguments) {
    const std::string file = arguments.text("FILE");
    const auto input = Input::open(file == "-" ? file : "@" + file);
    if (!input) return std::unexpected(input.error());
    const Crontab crontab =
        parse_crontab(read_all(input->fd(), input->name()), arguments.is_on("user-column"));
    const bool dry_run = arguments.is_on("dry-run");
    std::size_t refused = 0;
    std::size_t taken = 0;
    const auto refuse = [&](std::size_t line, const std::string& why) {
        ++refused;
        say(fmt::format("line {}: {}", line, one_line(why)));
    };
    for (const CrontabProblem& problem : crontab.problems)
        refuse(problem.line, problem.text);
    session.output.begin(schedule_columns());
    for (const CrontabEntry& entry : crontab.entries) {
        const auto made = take_over(session, definition_of(entry, arguments), dry_run);
        if (!made) {
            refuse(entry.line, made.error().message());
            continue;
        }
        ++taken;
        session.output.row(schedule_record(*made, session.style()));
    }
    session.output.end();
    if (refused == 0) return 0;
    return static_cast<int>(taken > 0 ? ExitCode::partial : ExitCode::usage);
}

}  // namespace

Command schedule_import_command() {
    return {
        .name = "import",
        .summary = "make a schedule of each line of a crontab",
        .description =
            "The payload of the jobs is {\"command\":\"...\"}, with `input` for what follows a %. "
            "The name is the\nprefix and the number of the line. What cannot be taken over is said "
            "(exit code 7).",
        .positionals =
            {{.name = "FILE", .help = "a crontab, '-' for stdin", .completes = Completes::files}},
        .options = with_store_options(
            {{.name = "prefix", .value = "TEXT", .help = "of the names (default: crontab)"},
             {.name = "type", .value = "TYPE", .help = "of the jobs (default: shell)"},
             {.name = "queue",
              .value = "NAME",
              .help = "where the jobs go (default: default)",
              .letter = 'q'},
             {.name = "tz",
              .value = "ZONE",
              .help = "of lines without CRON_TZ (default: UTC; cron's is that of the machine)"},
             {.name = "user-column", .value = "", .help = "a user stands before each command"},
             {.name = "dry-run", .value = "", .help = "only say what would be made"}}
        ),
        .examples =
            {{"what cron does for you",
              "crontab -l | tranter schedule import - --tz Europe/Berlin --dry-run"},
             {"the machine's", "tranter schedule import /etc/crontab --user-column --prefix etc"}},
        .run = in_schedule_session<import_crontab>,
    };
}

}  // namespace tranter::cli
