#pragma once

#include "sqs/failure.hpp"
#include "sqs/input.hpp"

#include <span>
#include <string_view>

namespace tranter::sqs {

/// How many there are, and what keys and values may be.
[[nodiscard]] Outcome<> check_tags(std::string_view queue, std::span<const NamedText> tags);

}  // namespace tranter::sqs
