#pragma once

#include "postgres/connection.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tranter::postgres {

inline constexpr std::size_t troubles = static_cast<std::size_t>(Trouble::other) + 1;
/// What metrics call them, in the order of the enum.
inline constexpr std::array<std::string_view, troubles> trouble_names{
    "away",
    "locked_out",
    "lost",
    "collision",
    "full",
    "damage",
    "bad_value",
    "refused",
    "blocked",
    "limit",
    "other"};

/// Of a pool, since it was made.
struct PoolMetrics {
    std::size_t open = 0;
    std::size_t busy = 0;     // of the open ones
    std::uint64_t waits = 0;  // for one, as all were in use
    std::uint64_t made = 0;
    std::uint64_t failed = 0;                      // tries to make one
    std::array<std::uint64_t, troubles> errors{};  // of tries, by Trouble
};

}  // namespace tranter::postgres
