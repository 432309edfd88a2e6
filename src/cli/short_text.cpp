#include "cli/short_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace tranter::cli {

std::string short_duration(std::chrono::microseconds duration) {
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    constexpr std::int64_t day = 24 * hour;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds >= 2 * day) return fmt::format("{}d", seconds / day);
    if (seconds >= 2 * hour) return fmt::format("{}h", seconds / hour);
    if (seconds >= 2 * minute) return fmt::format("{}m", seconds / minute);
    return fmt::format("{}s", seconds < 0 ? 0 : seconds);
}

std::string short_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    constexpr double step = 1024;
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    // What would be rounded up to the next unit belongs to it.
    while (value >= step - 0.5 && unit + 1 < units.size()) {
        value /= step;
        ++unit;
    }
    if (unit == 0 || value >= 99.95) return fmt::format("{:.0f} {}", value, units.at(unit));
    return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string short_percent(double share) {
    const double percent = share * 100;
    if (!std::isfinite(percent) || percent < 0.05) return "0%";
    if (percent >= 99.95) return fmt::format("{:.0f}%", percent);
    return fmt::format("{:.1f}%", percent);
}

std::string short_number(double value) {
    if (!std::isfinite(value)) return "-";
    if (std::abs(value) < 0.05) return "0";
    if (std::abs(value) >= 9.95) return fmt::format("{:.0f}", value);
    return fmt::format("{:.1f}", value);
}

}  // namespace tranter::cli
