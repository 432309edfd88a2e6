#pragma once

#include "base/error.hpp"

#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// What a regular expression says, as a tree. For pattern.cpp.
namespace tranter::supervise {

struct PatternNode {
    enum class Kind : std::uint8_t { sequence, choice, repeat, bytes, begin, end, edge, no_edge };
    static constexpr std::uint32_t unlimited = UINT32_MAX;

    Kind kind = Kind::sequence;
    std::bitset<256> bytes{};          // of which it takes one
    std::vector<PatternNode> parts{};  // sequence, choice; repeat: one
    std::uint32_t min = 0;             // repeat
    std::uint32_t max = unlimited;
};

/// `invalid_argument` says what is wrong, and where. At most 50 groups are in each other.
[[nodiscard]] Result<PatternNode> parse_pattern(std::string_view expression);

}  // namespace tranter::supervise
