#pragma once

#include <tranter/job.hpp>
#include <tranter/payload.hpp>
#include <tranter/provider.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

/// What a handler answers, unless it just returns its result or throws:
///
///     if (job.locale.empty()) return tranter::dead("locale is missing");
///     if (busy) return tranter::snooze(30s);
///     if (!sent) return tranter::retry(5min, "mailbox is full");
namespace tranter {

/// Another attempt follows, when the job has one left, as its retry policy says.
inline Failed retry(std::string error) {
    return {.type = "retry", .text = std::move(error), .retry_after = std::nullopt};
}
/// Another attempt follows `after` from now, when the job has one left.
inline Failed retry(Milliseconds after, std::string error = {}) {
    return {.type = "retry", .text = std::move(error), .retry_after = after};
}
/// Again `duration` from now; this attempt does not count.
inline Snoozed snooze(Milliseconds duration) {
    return {.after = duration};
}
/// No further attempt would help.
inline Dead dead(std::string reason) {
    return {.type = "dead", .reason = std::move(reason)};
}
/// It has stopped because it was asked to, and is not to run again.
inline Stopped cancelled() {
    return {};
}

/// The handler has completed the job itself, by PostgresTransaction::complete() in a transaction
/// that is committed by now. What says so of a job that is not completed has it run again, once its
/// lease ends.
inline Completed settled() {
    return {.is_settled = true};
}

namespace detail {

template <class T>
concept EarlyEnd = std::same_as<T, Completed> || std::same_as<T, Failed> ||
    std::same_as<T, Snoozed> || std::same_as<T, Dead> || std::same_as<T, Stopped>;

}  // namespace detail

/// A T, which becomes the result of the job, or one of the answers above.
template <class T = void>
class [[nodiscard]] Outcome {
    static_assert(
        detail::is_payload_type<T, detail::Direction::write>(),
        "this result cannot be written as JSON: see payload.hpp"
    );

  public:
    // NOLINTNEXTLINE(google-explicit-constructor): handlers return either
    Outcome(T value) : value_(std::move(value)) {}
    template <detail::EarlyEnd End>
    // NOLINTNEXTLINE(google-explicit-constructor): handlers return either
    Outcome(End end) : value_(std::move(end)) {}

    /// The result as JSON. One that cannot be written, or is too large, leaves the job dead: it
    /// would be so the next time too.
    AttemptOutcome settle() &&;

  private:
    std::variant<T, Completed, Failed, Snoozed, Dead, Stopped> value_;
};

/// `return {};` completes the job.
template <>
class [[nodiscard]] Outcome<void> {
  public:
    Outcome() = default;
    template <detail::EarlyEnd End>
    // NOLINTNEXTLINE(google-explicit-constructor): handlers return either
    Outcome(End end) : value_(std::move(end)) {}

    AttemptOutcome settle() && { return std::move(value_); }

  private:
    AttemptOutcome value_;
};

namespace detail {

/// Completed, or Dead when the result cannot be kept.
AttemptOutcome completed_with(Result<std::string> result);

}  // namespace detail

template <class T>
AttemptOutcome Outcome<T>::settle() && {
    return std::visit(
        []<class Value>(Value&& value) -> AttemptOutcome {
            if constexpr (detail::EarlyEnd<std::remove_cvref_t<Value>>) {
                return std::forward<Value>(value);
            } else {
                return detail::completed_with(to_json(value));
            }
        },
        std::move(value_)
    );
}

}  // namespace tranter
