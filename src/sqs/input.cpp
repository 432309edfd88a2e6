#include "sqs/input.hpp"

#include "sqs/text_rules.hpp"

#include <fmt/format.h>

namespace tranter::sqs {

std::string Integer::shown() const {
    if (!text.empty()) return std::string(shortened(text, 64));
    return valid ? fmt::to_string(value) : fmt::format("{}", number);
}

}  // namespace tranter::sqs
