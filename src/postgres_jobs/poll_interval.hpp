#pragma once

#include "base/error.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace tranter::postgres_jobs {

/// How long a receive sleeps at most before it looks for jobs without having been told of any.
inline constexpr std::chrono::milliseconds poll_interval_default(5'000);

/// WORKER_POLL_INTERVAL_MS: 10 to 86,400,000. `invalid_argument` for anything else.
[[nodiscard]] Result<std::chrono::milliseconds> poll_interval_from_environment();
/// The same for a value of it; none: the default.
[[nodiscard]] Result<std::chrono::milliseconds> parse_poll_interval(
    std::optional<std::string_view> text
);

}  // namespace tranter::postgres_jobs
