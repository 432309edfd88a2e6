#include "schedule/expression_text.hpp"

#include <algorithm>

namespace tranter::schedule {

std::vector<Word> split_words(std::string_view text, std::size_t column) {
    std::vector<Word> words;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(" \t", at)) != std::string_view::npos) {
        const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
        words.push_back({text.substr(at, end - at), column + at});
        at = end;
    }
    return words;
}

}  // namespace tranter::schedule
