#pragma once

#include <tranter/context.hpp>
#include <tranter/provider.hpp>

#include <string_view>

namespace tranter::handlers {

/// What a program wrote as its result: JSON stays as it is, other text becomes a JSON string
/// without the blanks at its end, nothing is no result.
AttemptOutcome completed_with_text(std::string_view text);

/// How an attempt ended that was asked to stop and did.
AttemptOutcome stopped_outcome(const Context& context);

}  // namespace tranter::handlers
