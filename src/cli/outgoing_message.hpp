#pragma once

#include "cli/args.hpp"
#include "cli/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::cli {

/// What the options of `message send` say about every message that it sends.
struct SendOptions {
    Json attributes{};  // SQS MessageAttributes, null when there are none
    std::optional<std::string> group{};
    std::optional<std::string> dedup_id{};
    std::optional<std::int64_t> delay_seconds{};
};

[[nodiscard]] Result<SendOptions> read_send_options(const Arguments& arguments);

/// The members of SendMessage, without the queue: body and options.
[[nodiscard]] Result<Json> outgoing_message(const SendOptions& options, std::string_view body);

/// One line of `--ndjson`: an object with "body" and optionally "attributes" ({"name": "text"} or
/// {"name": {"type": ..., "value": ...}}), "group", "dedup_id" and "delay" ("5s"), which win over
/// the options. The members that only a received message has are ignored, any other is an error.
[[nodiscard]] Result<Json> outgoing_message_of_line(
    const SendOptions& options, std::string_view line
);

}  // namespace tranter::cli
