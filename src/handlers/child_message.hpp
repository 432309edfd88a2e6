#pragma once

#include <tranter/context.hpp>
#include <tranter/json.hpp>
#include <tranter/provider.hpp>

#include <optional>
#include <string>
#include <string_view>

/// The protocol between a worker and a long-lived child process: one JSON object per line, to the
/// child on its input and from it on its output. docs/child-protocol.md describes it for those who
/// write children.
namespace tranter::handlers {

/// Of the protocol. Told to a child in TRANTER_PROTOCOL, which may repeat it in its "ready".
inline constexpr std::uint32_t child_protocol = 1;

/// {"id":..., "queue":..., "type":..., "payload":..., "attempt":1, "max_attempts":25, "run":1,
/// "runs":1, "group":"", "tags":[], "created_at":...}.
std::string job_json(const Context& context);
/// The same object with "message":"job", "steps":{NAME: RESULT, ...}, "traceparent" and
/// "tracestate" where there is a trace, and a newline.
std::string job_line(const Context& context);
/// {"message":"stop","id":...,"reason":"timeout"|"cancelled"|"shutdown"|"lease_lost"}.
std::string stop_line(const Context& context);
/// {"message":"step","id":...,"name":...}, with "error":{"type":...,"text":...} for a step that
/// could not be kept.
std::string step_line(std::string_view id, std::string_view name, const Error* error);

/// What a child says. Members that a kind of message does not have are empty.
struct ChildMessage {
    enum class Kind : std::uint8_t {
        text,  // a line that is none of ours: something printed, for the log
        ready,
        heartbeat,
        log,
        progress,
        step,
        result,
    } kind = Kind::text;
    std::string id{};          // of the job; empty: the one it has
    std::string text{};        // text, log: the line
    std::string name{};        // step
    Json value{};              // progress, step: what the step has come to
    AttemptOutcome outcome{};  // result
};

/// Whether a line, or its beginning, was meant as a message: {"message":"result"...
bool begins_like_message(std::string_view line);

/// Anything without a "message" that we know is text. `invalid_argument` for what begins like a
/// message and is none, for members that are wrong, and for a "ready" of another protocol.
[[nodiscard]] Result<ChildMessage> parse_child_message(std::string_view line);

}  // namespace tranter::handlers
