#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

/// What the expressions of schedules are made of.
namespace tranter::schedule {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

struct Word {
    std::string_view text;
    std::size_t column;  // from 1
};

/// The words between blanks and tabs. `column` is that of the text.
std::vector<Word> split_words(std::string_view text, std::size_t column = 1);

}  // namespace tranter::schedule
