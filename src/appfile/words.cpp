#include "appfile/words.hpp"

#include <algorithm>

namespace tranter::appfile {

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool has_word = false;
    char quote = 0;
    for (const char c : text) {
        if (quote != 0 && c == quote) {
            quote = 0;
        } else if (quote != 0) {
            word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            has_word = true;
        } else if (std::string_view(" \t\r\n\v\f").contains(c)) {
            if (has_word) words.push_back(std::move(word));
            word.clear();
            has_word = false;
        } else {
            word += c;
            has_word = true;
        }
    }
    if (has_word) words.push_back(std::move(word));
    return words;
}

bool needs_shell(std::string_view text) {
    const auto first_end = std::min(text.find_first_of(" \t"), text.size());
    // NAME=value in front of a command.
    if (text.substr(0, first_end).contains('=')) return true;
    return text.find_first_of("$`|&;<>()*?[]{}~!#\\\n") != std::string_view::npos;
}

}  // namespace tranter::appfile
