#include "schedule/moment_text.hpp"

#include "jobs/time_text.hpp"

#include <fmt/format.h>

#include <chrono>

namespace tranter::schedule {

std::string utc_text(UtcMillis when) {
    return jobs::time_text(when.time_since_epoch().count(), {.num = 1, .den = 1000}).value_or("");
}

std::string local_text(UtcMillis when, const TimeZone& zone) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const std::chrono::seconds offset = zone.period_at(seconds).offset;
    std::string text = utc_text(when + offset);
    if (!text.empty()) text.pop_back();
    const auto minutes = std::chrono::round<std::chrono::minutes>(std::chrono::abs(offset)).count();
    return fmt::format(
        "{}{}{:02}:{:02}", text, offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60
    );
}

}  // namespace tranter::schedule
