#pragma once

#include "base/error.hpp"
#include "cli/args.hpp"
#include "schedule/cadence.hpp"
#include "schedule/moment_text.hpp"

#include <tranter/schedule.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What command lines say about when a schedule fires.
namespace tranter::cli {

/// --cron, --every, --tz, --dst-gap and --dst-overlap.
std::vector<Option> expression_options();

/// Of --cron or --every; nothing when neither is given. `invalid_argument` when both are.
[[nodiscard]] Result<std::optional<std::string>> read_expression(const Arguments& arguments);
/// What --every means: "30 minutes" is "every 30 minutes", and what is an interval already stays.
std::string interval_expression(std::string_view text);

/// Those that are given change `rules`.
void read_dst_rules(const Arguments& arguments, ScheduleRules& rules);

/// `invalid_argument` unless it is a time in RFC 3339; `what` names it.
[[nodiscard]] Result<schedule::UtcMillis> parse_moment(
    std::string_view text, std::string_view what
);
schedule::UtcMillis current_moment();

using schedule::local_text;
using schedule::utc_text;

inline constexpr std::size_t firings_max = 10'000;

}  // namespace tranter::cli
