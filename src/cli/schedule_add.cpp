#include "cli/schedule_commands.hpp"
#include "cli/schedule_flags.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

namespace tranter::cli {
namespace {

void warn_of(ScheduleSession& session, const ScheduleDefinition& definition) {
    const auto cadence =
        schedule::check_definition(session.registry(), definition, ScheduleSession::now(), true);
    if (!cadence) return;
    for (const std::string& warning : cadence->warnings())
        say(fmt::format("warning: {}", warning));
}

Result<int> add_schedule(ScheduleSession& session, const Arguments& arguments) {
    ScheduleDefinition definition{.name = arguments.text("NAME")};
    if (auto done = apply_schedule_flags(arguments, definition); !done) {
        return std::unexpected(done.error());
    }
    if (definition.expression.empty()) {
        return fail(Errc::invalid_argument, "there is no expression, expected --cron or --every");
    }
    if (definition.type.empty()) {
        return fail(Errc::invalid_argument, "there is no type, expected --type of the jobs");
    }
    const auto added = schedule::add(
        session.registry(),
        definition,
        ScheduleSource::hand,
        ScheduleSession::now(),
        arguments.is_on("force")
    );
    if (!added) return std::unexpected(added.error());
    warn_of(session, definition);
    session.output.one(schedule_record(*added, session.style()));
    return 0;
}

Result<int> edit_schedule(ScheduleSession& session, const Arguments& arguments) {
    const auto change = [&](ScheduleDefinition& definition) {
        return apply_schedule_flags(arguments, definition);
    };
    const auto edited =
        schedule::edit(session.registry(), arguments.text("NAME"), ScheduleSession::now(), change);
    if (!edited) return std::unexpected(edited.error());
    warn_of(session, edited->definition);
    session.output.one(schedule_record(*edited, session.style()));
    return 0;
}

}  // namespace

Command schedule_add_command() {
    std::vector<Option> options = schedule_flags();
    options.push_back({.name = "force", .value = "", .help = "also when the expression never fires"}
    );
    return {
        .name = "add",
        .summary = "make a schedule",
        .description = "An expression that never fires, such as February 30, is refused.",
        .positionals = {{.name = "NAME", .help = "letters, digits and _ - . : /"}},
        .options = with_store_options(std::move(options)),
        .examples =
            {{"a report every day at nine, whatever the clocks do",
              "tranter schedule add daily --cron '0 9 * * *' --tz America/New_York --type report "
              "--payload '{\"kind\": \"daily\"}'"},
             {"every half an hour, one at a time",
              "tranter schedule add sync --every 30m --type crm.sync --overlap skip"}},
        .run = in_schedule_session<add_schedule>,
    };
}

Command schedule_edit_command() {
    return {
        .name = "edit",
        .summary = "change a schedule",
        .description =
            "What is not given stays. A schedule that a file or a program makes will be what that "
            "says when it\nstarts again.",
        .positionals = {{.name = "NAME", .help = "of the schedule"}},
        .options = with_store_options(schedule_flags()),
        .examples =
            {{"an hour later", "tranter schedule edit daily-team-report --cron '0 10 * * *'"}},
        .run = in_schedule_session<edit_schedule>,
    };
}

}  // namespace tranter::cli
