#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// A line of a crontab (man 5 crontab).
struct CrontabEntry {
    std::size_t line = 0;
    std::string expression{};  // with the meaning that cron gives it
    std::string timezone{};    // of CRON_TZ or TZ above it
    std::string user{};        // of system crontabs
    std::string command{};
    std::string input{};  // what follows the first %
};

struct CrontabProblem {
    std::size_t line = 0;
    std::string text{};
};

struct Crontab {
    std::vector<CrontabEntry> entries{};
    std::vector<CrontabProblem> problems{};  // lines that cannot be taken over
};

/// Reads all lines. `with_user`: as /etc/crontab, with a user before the command.
///
/// cron runs a job when day of month and day of week both match if one of them begins with a `*`,
/// which is written here as `+` in front of the day of week.
Crontab parse_crontab(std::string_view text, bool with_user);

}  // namespace tranter::cli
