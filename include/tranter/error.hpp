#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace tranter {

/// What a caller can do about a failure. Each edge (SQS, HTTP, command line) maps these to its own
/// codes in one table.
enum class Errc : std::uint8_t {
    not_found,
    invalid_argument,
    already_exists,
    conflict,
    limit_exceeded,
    unavailable,
    timed_out,
    cancelled,
    unsupported,
    unauthenticated,
    permission_denied,
    corrupted,
    internal,
};

/// A failure that is part of normal operation. The message says what was wrong with the offending
/// value and what would be right, in lower case and without a full stop.
/// Deliberately not an aggregate: g++ 12 destroys aggregate temporaries twice around co_await.
class [[nodiscard]] Error {
  public:
    Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

    Errc code() const { return code_; }
    const std::string& message() const { return message_; }

  private:
    Errc code_;
    std::string message_;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(Errc::not_found, "...")` from any function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message) {
    return std::unexpected<Error>(Error(code, std::move(message)));
}

}  // namespace tranter
