#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tranter {

/// One spelling of a unit and how many base units it is.
struct QuantityUnit {
    std::string_view name;
    std::uint64_t factor = 1;
};

/// What parse_duration and parse_size share: one number, optional blanks, one unit.
struct QuantityRule {
    std::string_view noun;     ///< "duration"
    std::string_view example;  ///< "30s"
    std::span<const QuantityUnit> units;
    std::uint64_t max = 0;  ///< in base units
};

[[nodiscard]] Result<std::uint64_t> parse_quantity(std::string_view text, const QuantityRule& rule);

}  // namespace tranter
