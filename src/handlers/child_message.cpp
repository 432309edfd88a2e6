#include "handlers/child_message.hpp"

#include <tranter/outcome.hpp>
#include <tranter/payload.hpp>

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

struct AnyLine {
    std::string message{};
    std::string id{};
    std::string line{};
    Json progress{};
    std::string outcome{};
    Json result{};
    ErrorFields error{};
    std::string reason{};
    std::optional<Milliseconds> retry_after{};
    std::optional<Milliseconds> after{};
};

std::string_view reason_name(StopReason reason) {
    switch (reason) {
        case StopReason::timeout:
            return "timeout";
        case StopReason::cancelled:
            return "cancelled";
        case StopReason::lease_lost:
            return "lease_lost";
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
    return "{\"message\":\"job\"," + job_json(context).substr(1) + "\n";
}

std::string stop_line(const Context& context) {
    return or_throw(to_json(StopLine{
               .id = context.id(), .reason = reason_name(context.stop_reason())})) +
           "\n";
}

Result<ChildMessage> parse_child_message(std::string_view line) {
    const auto text = [&] {
        return ChildMessage{.kind = ChildMessage::Kind::text, .text = std::string(line)};
    };
    if (!line.starts_with('{')) return text();
    struct Name {
        std::string message{};
    };
    const auto name = from_json<Name>(line);
    if (!name) return text();
    using Kind = ChildMessage::Kind;
    Kind kind = Kind::text;
    if (name->message == "ready") kind = Kind::ready;
    if (name->message == "heartbeat") kind = Kind::heartbeat;
    if (name->message == "log") kind = Kind::log;
    if (name->message == "progress") kind = Kind::progress;
    if (name->message == "result") kind = Kind::result;
    if (kind == Kind::text) return text();
    auto fields = from_json<AnyLine>(line);
    if (!fields) return std::unexpected(std::move(fields.error()));
    ChildMessage message{
        .kind = kind,
        .id = std::move(fields->id),
        .text = std::move(fields->line),
        .progress = std::move(fields->progress)};
    if (kind == Kind::result) {
        auto outcome = outcome_of_line(*fields);
        if (!outcome) return std::unexpected(std::move(outcome.error()));
        message.outcome = std::move(*outcome);
    }
    return message;
}

}  // namespace tranter::handlers
