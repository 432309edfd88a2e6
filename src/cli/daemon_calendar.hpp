#pragma once

#include "base/time.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace tranter::cli {

/// When a cron expression means, in the time zone of the machine (TZ, else /etc/localtime, else
/// UTC), which is what PM2 does. For Supervisor::Options::next_cron.
std::function<std::optional<Instant>(std::string_view cron, Instant after)> local_calendar();

}  // namespace tranter::cli
