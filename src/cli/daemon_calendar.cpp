#include "cli/daemon_calendar.hpp"

#include "schedule/cadence.hpp"
#include "schedule/zone_directory.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace tranter::cli {
namespace {

/// A name in the directory of zones; empty when there is none to be found.
std::string local_zone() {
    std::string name;
    if (const char* const variable = std::getenv("TZ")) {  // NOLINT(concurrency-mt-unsafe)
        name = variable;
        if (name.starts_with(':')) name.erase(0, 1);
        return name;
    }
    std::error_code failed;
    const auto target = std::filesystem::canonical("/etc/localtime", failed);
    if (failed) return name;
    const auto zones =
        std::filesystem::weakly_canonical(schedule::ZoneDirectory::system_path(), failed);
    name = target.lexically_relative(zones).string();
    return name.starts_with('.') ? "" : name;
}

}  // namespace

std::function<std::optional<Instant>(std::string_view cron, Instant after)> local_calendar() {
    auto zones = std::make_shared<schedule::ZoneDirectory>();
    std::string zone = local_zone();
    if (!zone.empty() && !zones->find(zone)) zone.clear();
    return [zones, zone](std::string_view cron, Instant after) -> std::optional<Instant> {
        const auto cadence = schedule::Cadence::parse(cron, {.zone = zone}, *zones);
        if (!cadence) return std::nullopt;
        const auto next = cadence->next(schedule::UtcMillis(
            std::chrono::floor<std::chrono::milliseconds>(after.time_since_epoch())
        ));
        if (!next) return std::nullopt;
        return Instant(next->time_since_epoch());
    };
}

}  // namespace tranter::cli
