#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// Which texts SQS accepts where (SQS_SPEC 2, 5.3, 5.8, 5.9).
namespace tranter::sqs {

/// Whether every code point may stand in a message: U+9, U+A, U+D, U+20 to U+D7FF, U+E000 to
/// U+FFFD, U+10000 to U+10FFFF. `text` is UTF-8.
bool is_message_text(std::string_view text);

/// 1 to 128 ASCII letters, digits and punctuation: message group, de-duplication and attempt ids.
bool is_opaque_id(std::string_view text);

/// 1 to `max` of A-Z a-z 0-9 _ -.
bool is_label(std::string_view text, std::size_t max);

/// A queue's name, with .fifo at its end or not.
bool is_queue_name(std::string_view name, std::size_t max);
bool is_fifo_name(std::string_view name);

/// Decimal digits with an optional minus sign and nothing else; nothing when it is not a number of
/// 64 bits.
std::optional<std::int64_t> whole_number(std::string_view text);

/// The first `max` bytes at most, without half of a character: for showing what a client sent.
std::string_view shortened(std::string_view utf8, std::size_t max = 256);

}  // namespace tranter::sqs
