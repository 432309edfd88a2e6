#pragma once

#include "engine/types.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>

namespace tranter::sqs {

/// Twenty digits, as SQS shows them, so that comparing the texts compares the numbers.
inline void append_sequence_number(std::string& out, engine::Sequence sequence) {
    constexpr engine::Sequence smallest_of_twenty_digits = 10'000'000'000'000'000'000U;
    fmt::format_to(std::back_inserter(out), "{}", smallest_of_twenty_digits + sequence);
}

}  // namespace tranter::sqs
