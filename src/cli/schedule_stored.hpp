#pragma once

#include "base/error.hpp"
#include "cli/args.hpp"

#include <string_view>

/// `schedule preview` and `schedule explain` of schedules that are in a store.
namespace tranter::cli {

/// Whether a word of theirs is the name of a schedule, and no expression.
bool names_a_schedule(std::string_view text);

Result<int> preview_stored(const Arguments& arguments);
Result<int> explain_stored(const Arguments& arguments);

/// The word that both take.
Positional schedule_or_expression();
inline constexpr std::string_view schedule_word = "NAME_OR_EXPR";

}  // namespace tranter::cli
