#pragma once

#include "base/error.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace tranter {

/// What protocols call them, in the order of Errc.
inline constexpr auto error_names = std::to_array<std::string_view>({
    "not_found",
    "invalid_argument",
    "already_exists",
    "conflict",
    "limit_exceeded",
    "unavailable",
    "timed_out",
    "cancelled",
    "unsupported",
    "unauthenticated",
    "permission_denied",
    "corrupted",
    "internal",
});
static_assert(error_names.size() == static_cast<std::size_t>(Errc::internal) + 1);

constexpr std::string_view name_of(Errc code) {
    return error_names.at(static_cast<std::size_t>(code));
}

}  // namespace tranter
