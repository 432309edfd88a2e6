#include "admin/jobs_schema.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace tranter::admin {
namespace {

struct NamedMembers {
    std::string_view type;
    std::string_view members;  // separated by blanks
};
/// What clients write, with the members that have to be there.
constexpr auto request_types = std::to_array<NamedMembers>({
    {"NewJob", "type"},
    {"RetryPolicy", ""},
    {"Dedup", "key"},
    {"ReceiveRequest", ""},
    {"Settlements", "settlements"},
    {"Settlement", "receipt outcome"},
    {"AttemptError", ""},
    {"Completion", "receipt"},
    {"Failure", "receipt"},
    {"Receipt", "receipt"},
    {"Snooze", "receipt after"},
    {"Death", "receipt"},
    {"Extend", ""},
    {"Progress", "receipt progress"},
    {"LogLines", "receipt lines"},
    {"SaveStep", "receipt name result"},
    {"QueueLimits", ""},
    {"ScheduleDefinition", "expression type"},
    {"SchedulePatch", ""},
    {"JobSettings", ""},
    {"ScheduleRules", ""},
    {"MisfirePolicy", ""},
    {"Pause", ""},
    {"BackfillRequest", "from"},
    {"PreviewRequest", "expression"},
    {"ExplainRequest", "expression"},
    {"JobForLater", "type"},
    {"Reschedule", ""},
});

/// Members of answers that are there even when they are empty.
constexpr auto null_members = std::to_array<NamedMembers>({
    {"Schedule", "next_run_at last_run_at due_at last_job last_error"},
    {"ScheduleRun", "enqueued_at error"},
    {"ScheduledJob", "error"},
});

struct MemberNote {
    std::string_view type;  // empty: of every type
    std::string_view member;
    std::string_view text;
};
constexpr auto notes = std::to_array<MemberNote>({
    {"NewJob", "id", "A UUID; one is made when it is left out. A known one is a duplicate."},
    {"NewJob", "type", "The kind of the job: 1 to 128 letters, digits and _ - . : /"},
    {"", "payload", "Any JSON, up to 1 MiB."},
    {"", "delay", "How long to wait before it may run: \"5m\"."},
    {"NewJob", "run_at", "When it may run, instead of a delay."},
    {"", "run_at", "When it is due: scheduled, or waiting for its next attempt."},
    {"", "priority", "0 (first) to 9; a minute of waiting is worth one level."},
    {"", "group", "A tenant or user: limits and turns are by group."},
    {"", "tags", "Words or key=value, 16 at most."},
    {"", "ttl", "Cancelled when it has not begun so long after the enqueue; 0s: never."},
    {"", "deadline", "Cancelled when it has not begun by then."},
    {"", "timeout", "Of one attempt."},
    {"", "runs", "Parallel executions of one attempt."},
    {"", "max_parallel_runs", "Of the runs at a time; 0: all."},
    {"", "success", "How many runs have to complete: all, any or at_least(K)."},
    {"", "traceparent", "The trace that it belongs to; left out: that of the request's header."},
    {"", "tracestate", "With a traceparent: what tracing systems add to it, 512 bytes at most."},
    {"Dedup", "mode", "How the key keeps the same job from standing in the queue twice."},
    {"RetryPolicy", "max_attempts", "With the first one."},
    {"RetryPolicy", "base", "The rest after the first attempt."},
    {"RetryPolicy", "factor", "Each rest is so many times the one before; at least 1."},
    {"RetryPolicy", "max", "The longest rest."},
    {"RetryPolicy", "jitter", "The share of a rest that is taken off at random, 0 to 1."},
    {"ReceiveRequest", "wait", "For the first job, up to 20 m; 0s: do not wait."},
    {"", "lease", "How long the jobs belong to the worker before it has to extend; 1s to 12h."},
    {"", "receipt", "Names one delivery of a job to a worker."},
    {"Settlement", "retry_after", "failed: instead of what the job's retry policy says."},
    {"Settlement", "after", "snoozed: available again after so long; no attempt is used up."},
    {"Settlement", "result", "completed: any JSON up to 256 KiB."},
    {"Settlement", "error", "failed, dead"},
    {"Settlement", "reason", "dead"},
    {"JobPage", "next", "The cursor of the next page; absent on the last one."},
    {"LogPage", "dropped", "Older lines that had to go."},
    {"JobEvent", "number", "Grows by one."},
    {"", "expression", "Cron with 5 to 7 fields, @daily and the like, or \"every 30 minutes\"."},
    {"", "timezone", "Such as America/New_York; empty: UTC."},
    {"ScheduleDefinition",
     "name",
     "1 to 100 letters, digits and _ - . : /; may stand in the path."},
    {"SchedulePatch", "name", "The same as in the path, if any."},
    {"JobForLater", "id", "A UUID; one is made when it is left out. A known one is a conflict."},
    {"JobForLater", "type", "The kind of the job: 1 to 128 letters, digits and _ - . : /"},
    {"JobForLater", "run_at", "When it is enqueued, instead of a delay; one of both is needed."},
    {"ScheduledJob", "run_at", "When it is enqueued."},
    {"ScheduleRules", "jitter", "Each slot up to so much later."},
    {"ScheduleRules", "start_at", "No slot before it."},
    {"ScheduleRules", "end_at", "No slot after it."},
    {"ScheduleRules", "max_runs", "So many slots; 0 is no limit."},
    {"ScheduleRules", "overlap", "A slot whose earlier job is not finished."},
    {"MisfirePolicy", "policy", "Slots that passed while no scheduler ran."},
    {"MisfirePolicy", "window", "Older slots never run; at least 10s."},
    {"MisfirePolicy", "cap", "Of run_all, how many."},
    {"Pause", "reason", "Shown with the schedule; a line of 1 KiB at most."},
    {"BackfillRequest", "to", "The last slot; left out: now."},
    {"BackfillRequest",
     "overlap",
     "`allow`: the jobs may all run at once, though the schedule has another rule."},
    {"BackfillAnswer", "slots", "All in the period."},
    {"BackfillAnswer", "claimed", "Of them will run; the others have."},
    {"PreviewRequest", "from", "Firings after this time; left out: now."},
    {"PreviewRequest", "count", "Up to 10,000."},
    {"Firing", "local", "What clocks in the zone show, with their offset from UTC."},
    {"Firing", "due", "With the jitter of the schedule."},
    {"Schedule", "next", "The next times, as clocks in the zone show them. Not in lists."},
    {"Schedule", "warnings", "What looks like a mistake in the expression. Not in lists."},
    {"Schedule", "obstacles", "What keeps it from firing. Not in lists."},
    {"Schedule", "words", "The expression in words. Not in lists."},
    {"Schedule", "last_runs", "The ten newest slots. Not in lists."},
    {"Schedule", "due_at", "The next slot with its jitter."},
    {"SchedulePage", "next", "The cursor of the next page; absent on the last one."},
    {"ScheduledJobPage", "next", "The cursor of the next page; absent on the last one."},
    {"Schedule", "last_job_state", "Where it is explained, and its last job is known."},
    {"Schedule", "open_runs", "Slots that are claimed or buffered, where it is explained."},
    {"Problem", "code", "What is wrong, for programs."},
});

const NamedMembers* find_request(std::string_view type) {
    const auto found = std::ranges::find(request_types, type, &NamedMembers::type);
    return found == request_types.end() ? nullptr : &*found;
}

bool has_word(std::string_view words, std::string_view word) {
    const std::size_t at = words.find(word);
    if (at == std::string_view::npos) return false;
    const std::size_t end = at + word.size();
    return (at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ');
}

}  // namespace

namespace detail {

bool may_be_missing(std::string_view type, std::string_view member, bool optional) {
    const NamedMembers* request = find_request(type);
    if (request == nullptr) return optional && !may_be_null(type, member);
    return !has_word(request->members, member);
}

bool may_be_null(std::string_view type, std::string_view member) {
    const auto found = std::ranges::find(null_members, type, &NamedMembers::type);
    return found != null_members.end() && has_word(found->members, member);
}

bool is_request(std::string_view type) {
    return find_request(type) != nullptr;
}

void describe_member(
    JsonWriter& json, std::string_view type, std::string_view member, std::string_view otherwise
) {
    std::string text;
    for (const MemberNote& note : notes) {
        if (note.member != member || (!note.type.empty() && note.type != type)) continue;
        text = note.text;
        break;
    }
    // That nothing is empty need not be said.
    constexpr std::string_view nothing = "\"\"[]{}null";
    if (!otherwise.empty() && nothing.find(otherwise) == std::string_view::npos) {
        if (!text.empty()) text += ' ';
        text.append("Default: ").append(otherwise);
    }
    if (!text.empty()) json.member("description", text);
}

}  // namespace detail

void SchemaBook::refer(JsonWriter& json, std::string_view name, Write write) {
    schemas_.emplace(name, write);
    std::string target = "#/components/schemas/";
    json.member("$ref", target.append(name));
}

void SchemaBook::write_all(JsonWriter& json) {
    // Writing one may add others.
    std::set<std::string, std::less<>> written;
    std::map<std::string, std::string> texts;
    while (written.size() < schemas_.size()) {
        const auto all = schemas_;
        for (const auto& [name, write] : all) {
            if (!written.insert(name).second) continue;
            JsonWriter text(texts[name]);
            write(*this, text);
        }
    }
    for (const auto& [name, text] : texts)
        json.key(name).raw(text);
}

}  // namespace tranter::admin
