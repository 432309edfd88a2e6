#include "base/duration.hpp"

#include "base/quantity.hpp"

#include <array>
#include <cstdint>
#include <limits>

namespace tranter {
namespace {

constexpr std::uint64_t millisecond = 1000;
constexpr std::uint64_t second = 1000 * millisecond;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day = 24 * hour;

constexpr QuantityUnit duration_units[] = {
    {"us", 1},
    {"micro", 1},
    {"micros", 1},
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", millisecond},
    {"milli", millisecond},
    {"millis", millisecond},
    {"millisecond", millisecond},
    {"milliseconds", millisecond},
    {"s", second},
    {"sec", second},
    {"secs", second},
    {"second", second},
    {"seconds", second},
    {"m", minute},
    {"min", minute},
    {"mins", minute},
    {"minute", minute},
    {"minutes", minute},
    {"h", hour},
    {"hour", hour},
    {"hours", hour},
    {"d", day},
    {"day", day},
    {"days", day},
};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const QuantityRule rule{
        .noun = "duration",
        .example = "30s",
        .units = duration_units,
        .max = static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max()),
    };
    const Result<std::uint64_t> micros = parse_quantity(text, rule);
    if (!micros) return std::unexpected(micros.error());
    return Duration(static_cast<Duration::rep>(*micros));
}

std::string format_duration(Duration duration) {
    struct Unit {
        std::string_view name;
        std::int64_t micros;
    };
    constexpr std::array<Unit, 5> units{{
        {"d", day},
        {"h", hour},
        {"m", minute},
        {"s", second},
        {"ms", millisecond},
    }};
    const std::int64_t micros = duration.count();
    if (micros == 0) return "0s";
    for (const Unit& unit : units) {
        if (micros % unit.micros == 0) {
            return std::to_string(micros / unit.micros).append(unit.name);
        }
    }
    return std::to_string(micros).append("us");
}

}  // namespace tranter
