#include "handlers/child_message.hpp"

#include "jobs/problem.hpp"

#include <tranter/outcome.hpp>
#include <tranter/payload.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tranter::handlers {
namespace {

struct JobFields {
    std::string id{};
    std::string queue{};
    std::string type{};
    Json payload{};
    std::uint32_t attempt = 1;
    std::uint32_t max_attempts = 1;
    std::uint32_t run = 1;
    std::uint32_t runs = 1;
    std::string group{};
    std::vector<std::string> tags{};
    TimePoint created_at{};
};

struct StopLine {
    std::string_view message = "stop";
    std::string id{};
    std::string_view reason{};
};

struct ErrorFields {
    std::string type{};
    std::string text{};
};

struct StepLine {
    std::string_view message = "step";
    std::string_view id{};
    std::string_view name{};
    std::optional<ErrorFields> error{};
};

struct AnyLine {
    std::string message{};
    std::string id{};
    std::optional<std::uint32_t> protocol{};
    std::string line{};
    Json progress{};
    std::string name{};
    std::string outcome{};
    Json result{};
    ErrorFields error{};
    std::string reason{};
    std::optional<Milliseconds> retry_after{};
    std::optional<Milliseconds> after{};
};

using Kind = ChildMessage::Kind;

/// Nothing for what is no message of ours.
std::optional<Kind> kind_of(std::string_view message) {
    static constexpr std::pair<std::string_view, Kind> kinds[] = {
        {"result", Kind::result},
        {"progress", Kind::progress},
        {"log", Kind::log},
        {"step", Kind::step},
        {"heartbeat", Kind::heartbeat},
        {"ready", Kind::ready},
    };
    for (const auto& [name, kind] : kinds) {
        if (name == message) return kind;
    }
    return std::nullopt;
}

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

bool skip(std::string_view& text, std::string_view word) {
    skip_blanks(text);
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

/// Text members behind others, where there is a trace.
void append_trace(std::string& out, const Context& context) {
    const auto add = [&out](std::string_view name, const std::string& value) {
        if (value.empty()) return;
        out.append(",\"").append(name).append("\":").append(or_throw(to_json(value)));
    };
    add("traceparent", context.traceparent());
    add("tracestate", context.tracestate());
}

std::string_view reason_name(StopReason reason) {
    switch (reason) {
        case StopReason::timeout:
            return "timeout";
        case StopReason::cancelled:
            return "cancelled";
        case StopReason::lease_lost:
            return "lease_lost";
        case StopReason::decided:
            return "decided";
        case StopReason::none:
        case StopReason::shutdown:
            break;
    }
    return "shutdown";
}

Result<AttemptOutcome> outcome_of_line(AnyLine& line) {
    if (line.outcome == "completed") {
        if (line.result == Json{}) return AttemptOutcome(Completed{});
        return detail::completed_with(line.result.text());
    }
    if (line.outcome == "failed") {
        return AttemptOutcome(Failed{
            .type = std::move(line.error.type),
            .text = std::move(line.error.text),
            .retry_after = line.retry_after});
    }
    if (line.outcome == "dead") {
        std::string reason =
            line.reason.empty() ? std::move(line.error.text) : std::move(line.reason);
        return AttemptOutcome(Dead{.type = std::move(line.error.type), .reason = std::move(reason)}
        );
    }
    if (line.outcome == "snoozed") {
        if (!line.after) {
            return fail(Errc::invalid_argument, "$.after: is missing, snoozed needs it: \"30s\"");
        }
        return AttemptOutcome(Snoozed{.after = *line.after});
    }
    if (line.outcome == "released") return AttemptOutcome(Released{});
    if (line.outcome == "cancelled") return AttemptOutcome(Stopped{});
    return fail(
        Errc::invalid_argument,
        "$.outcome: \"" + line.outcome.substr(0, 40) +
            "\" is none of completed, failed, dead, snoozed, released and cancelled"
    );
}

}  // namespace

bool begins_like_message(std::string_view line) {
    if (!skip(line, "{") || !skip(line, "\"message\"") || !skip(line, ":") || !skip(line, "\""))
        return false;
    const std::size_t end = line.find('"');
    return end != std::string_view::npos && kind_of(line.substr(0, end)).has_value();
}

std::string job_json(const Context& context) {
    const JobOptions& options = context.job().options;
    return or_throw(to_json(JobFields{
        .id = context.id(),
        .queue = context.queue(),
        .type = context.type(),
        .payload = or_throw(Json::parse(context.payload())),
        .attempt = context.attempt(),
        .max_attempts = context.max_attempts(),
        .run = context.run(),
        .runs = context.runs(),
        .group = context.group(),
        .tags = options.tags,
        .created_at = context.job().created_at}));
}

std::string job_line(const Context& context) {
    std::map<std::string, Json> steps;
    for (const Step& step : context.earlier_steps())
        steps.emplace(step.name, or_throw(Json::parse(step.result)));
    const std::string job = job_json(context);
    std::string out = "{\"message\":\"job\",";
    out.append(job, 1, job.size() - 2);
    append_trace(out, context);
    return out.append(",\"steps\":").append(or_throw(to_json(steps))).append("}\n");
}

std::string stop_line(const Context& context) {
    return or_throw(to_json(StopLine{
               .id = context.id(), .reason = reason_name(context.stop_reason())})) +
           "\n";
}

std::string step_line(std::string_view id, std::string_view name, const Error* error) {
    StepLine line{.id = id, .name = name};
    if (error != nullptr) {
        line.error = ErrorFields{
            .type = std::string(jobs::problem_kind(error->code()).name), .text = error->message()};
    }
    return or_throw(to_json(line)) + "\n";
}

Result<ChildMessage> parse_child_message(std::string_view line) {
    const auto text = [&] {
        return ChildMessage{.kind = ChildMessage::Kind::text, .text = std::string(line)};
    };
    if (!line.starts_with('{')) return text();
    auto fields = from_json<AnyLine>(line);
    if (!fields) {
        if (!begins_like_message(line)) return text();
        return std::unexpected(std::move(fields.error()));
    }
    const auto kind = kind_of(fields->message);
    if (!kind) return text();
    if (fields->protocol.value_or(child_protocol) != child_protocol) {
        return fail(
            Errc::invalid_argument,
            "$.protocol: is " + std::to_string(*fields->protocol) + ", this worker speaks " +
                std::to_string(child_protocol)
        );
    }
    ChildMessage message{
        .kind = *kind,
        .id = std::move(fields->id),
        .text = std::move(fields->line),
        .name = std::move(fields->name),
        .value = std::move(*kind == Kind::step ? fields->result : fields->progress)};
    if (*kind == Kind::result) {
        auto outcome = outcome_of_line(*fields);
        if (!outcome) return std::unexpected(std::move(outcome.error()));
        message.outcome = std::move(*outcome);
    }
    return message;
}

}  // namespace tranter::handlers
