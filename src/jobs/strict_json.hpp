#pragma once

#include "base/error.hpp"

#include <tranter/payload.hpp>

#include <string_view>
#include <utility>

namespace tranter::jobs {

/// from_json() for what people write to us and not for each other: unknown members are refused with
/// a suggestion, so that a misspelt option is not one that is silently left out.
template <class T>
[[nodiscard]] Result<T> from_json_strictly(std::string_view text) {
    T value{};
    auto done = read_payload(text, &value, &detail::read_erased<T>, UnknownMembers::refuse);
    if (!done) return std::unexpected(std::move(done.error()));
    return value;
}

}  // namespace tranter::jobs
