#include "sqs/input.hpp"

#include "sqs/text_rules.hpp"

#include <fmt/format.h>

namespace tranter::sqs {

Integer Integer::from_text(std::string_view text) {
    const auto number = whole_number(text);
    return {.value = number.value_or(0), .valid = number.has_value(), .text = text};
}

std::string Integer::shown() const {
    if (!text.empty()) return std::string(shortened(text, 64));
    return valid ? fmt::to_string(value) : fmt::format("{}", number);
}

}  // namespace tranter::sqs
