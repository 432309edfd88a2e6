#include "cli/schedule_stored.hpp"

#include "cli/schedule_expression.hpp"
#include "cli/schedule_record.hpp"
#include "cli/schedule_session.hpp"
#include "cli/terminal.hpp"
#include "jobs/state_name.hpp"
#include "schedule/decision.hpp"
#include "schedule/explanation.hpp"
#include "schedule/interval.hpp"

#include <tranter/job_type.hpp>
#include <tranter/provider.hpp>

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

namespace tranter::cli {
namespace {

constexpr std::size_t stored_firings_shown = 5;
constexpr std::int64_t stored_firings_default = 20;

/// What a schedule that is stored says itself.
Result<> refuse_expression_flags(const Arguments& arguments) {
    constexpr auto flags =
        std::to_array<std::string_view>({"cron", "every", "tz", "dst-gap", "dst-overlap", "stdin"});
    for (const std::string_view flag : flags) {
        if (!arguments.has(flag)) continue;
        return fail(
            Errc::invalid_argument,
            fmt::format("a schedule and --{} are both given, expected one", flag)
        );
    }
    return {};
}

Json texts_json(const std::vector<std::string>& texts) {
    Json out(Json::Array{});
    for (const std::string& text : texts)
        out.push(text);
    return out;
}

Result<int> preview_in(ScheduleSession& session, const Arguments& arguments) {
    const auto count =
        arguments.integer("count", {.min = 1, .max = static_cast<std::int64_t>(firings_max)});
    if (!count) return std::unexpected(count.error());
    TimePoint from = ScheduleSession::now();
    if (const auto given = arguments.find("from")) {
        const auto parsed = parse_moment(*given, "--from");
        if (!parsed) return std::unexpected(parsed.error());
        from = *parsed;
    }
    const auto schedule = session.store.find(arguments.text(schedule_word));
    if (!schedule) return std::unexpected(schedule.error());
    const auto cadence =
        schedule::check_definition(session.registry(), schedule->definition, from, true);
    if (!cadence) return std::unexpected(cadence.error());
    const auto slots = schedule::upcoming_slots(
        *cadence, *schedule, static_cast<std::size_t>(count->value_or(stored_firings_default)), from
    );
    session.output.begin({{"at", "UTC"}, {"local", "LOCAL"}, {"due", "WITH JITTER", true}});
    for (const schedule::NextSlot& next : slots) {
        if (!next.slot) continue;
        const auto at = schedule::to_slot(*next.slot);
        Json record;
        record.set("at", utc_text(at)).set("local", local_text(at, cadence->zone()));
        record.set("due", utc_text(schedule::to_slot(next.due.value_or(*next.slot))));
        session.output.row(std::move(record));
    }
    session.output.end();
    if (slots.empty()) say("it does not fire any more");
    if (schedule->paused) say("it is paused: these are the times that it would have");
    if (cadence->anchor() == IntervalAnchor::after_completion) {
        say("each time follows from the end of the job before: this is the earliest");
    }
    return 0;
}

Result<int> explain_in(ScheduleSession& session, const Arguments& arguments) {
    const auto provider = find_job_provider(arguments);
    if (!provider) return std::unexpected(provider.error());
    const auto told = schedule::explain(
        session.registry(),
        arguments.text(schedule_word),
        stored_firings_shown,
        ScheduleSession::now(),
        provider->get()
    );
    if (!told) return std::unexpected(told.error());
    Json record;
    record.set("words", told->words).set("obstacles", texts_json(told->obstacles));
    Json next(Json::Array{});
    for (const ScheduleFiring& firing : told->next)
        next.push(firing.local);
    record.set("next", std::move(next)).set("warnings", texts_json(told->warnings));
    record.set("time_zone_data", told->time_zone_data).set("open_runs", told->open_runs);
    if (told->last_job_state) {
        record.set("last_job_state", jobs::state_name(*told->last_job_state));
    }
    const Json shown = schedule_record(told->schedule, session.style());
    for (const JsonMember& member : shown.members())
        record.set(member.name, member.value);
    session.output.one(record);
    return 0;
}

}  // namespace

bool names_a_schedule(std::string_view text) {
    return is_valid_kind(text) && !schedule::Interval::looks_like_one(text);
}

Positional schedule_or_expression() {
    return {
        .name = schedule_word,
        .help = "name of a schedule; or a cron expression or interval",
        .required = false};
}

Result<int> preview_stored(const Arguments& arguments) {
    if (auto ok = refuse_expression_flags(arguments); !ok) return std::unexpected(ok.error());
    return in_schedule_session<preview_in>(arguments);
}

Result<int> explain_stored(const Arguments& arguments) {
    if (auto ok = refuse_expression_flags(arguments); !ok) return std::unexpected(ok.error());
    return in_schedule_session<explain_in>(arguments);
}

}  // namespace tranter::cli
