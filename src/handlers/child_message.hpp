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

/// {"message":"job", "id":..., "queue":..., "type":..., "payload":..., "attempt":1,
/// "max_attempts":25, "run":1, "runs":1, "group":"", "tags":[], "created_at":...} and a newline.
std::string job_line(const Context& context);
/// The same object without the "message", and without a newline.
std::string job_json(const Context& context);
/// {"message":"stop","id":...,"reason":"timeout"|"cancelled"|"shutdown"|"lease_lost"}.
std::string stop_line(const Context& context);

/// What a child says. Members that a kind of message does not have are empty.
struct ChildMessage {
    enum class Kind : std::uint8_t {
        text,  // a line that is none of ours: something printed, for the log
        ready,
        heartbeat,
        log,
        progress,
        result,
    } kind = Kind::text;
    std::string id{};    // of the job; empty: the one it has
    std::string text{};  // text, log: the line
    Json progress{};
    AttemptOutcome outcome{};  // result
};

/// Anything without a "message" that we know is text. `invalid_argument` for a message whose
/// members are wrong.
[[nodiscard]] Result<ChildMessage> parse_child_message(std::string_view line);

}  // namespace tranter::handlers
