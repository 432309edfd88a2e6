#pragma once

#include "process/identity.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Names the runtime directory of the supervisor that a process was started by, for whoever looks
/// for what it left behind. Inherited, also by what has left its group and its session.
inline constexpr std::string_view supervisor_variable = "TRANTER_SUPERVISOR";

/// What one instance finds in its environment, "NAME=value" each: that of its app, the number of
/// the instance, and for programs that expect PM2 (their number variable is another than ours)
/// `pm_id` and `name`. Whoever runs as somebody else finds that one's home.
std::vector<std::string> environment_of(
    const App& app,
    std::uint32_t number,
    std::uint32_t key,
    const std::optional<process::Identity>& identity = std::nullopt
);

}  // namespace tranter::supervise
