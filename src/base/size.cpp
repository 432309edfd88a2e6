#include "base/size.hpp"

#include "base/quantity.hpp"

#include <array>
#include <limits>

namespace tranter {
namespace {

constexpr QuantityUnit size_units[] = {
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000'000},
    {"GB", 1000'000'000},
    {"TB", 1000'000'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
    {"TiB", std::uint64_t{1} << 40},
};

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    const QuantityRule rule{
        .noun = "size",
        .example = "256KiB",
        .units = size_units,
        .max = std::numeric_limits<std::uint64_t>::max(),
    };
    return parse_quantity(text, rule);
}

std::string format_size(std::uint64_t bytes) {
    struct Unit {
        std::string_view name;
        int shift;
    };
    constexpr std::array<Unit, 4> units{{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};
    for (const Unit& unit : units) {
        const std::uint64_t factor = std::uint64_t{1} << unit.shift;
        if (bytes != 0 && bytes % factor == 0) {
            return std::to_string(bytes / factor).append(unit.name);
        }
    }
    return std::to_string(bytes).append("B");
}

}  // namespace tranter
