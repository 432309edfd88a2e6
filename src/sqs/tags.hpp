#pragma once

#include "sqs/failure.hpp"
#include "sqs/input.hpp"

#include <span>

namespace tranter::sqs {

/// Lengths of keys and values.
[[nodiscard]] Outcome<> check_tags(std::span<const NamedText> tags);

}  // namespace tranter::sqs
