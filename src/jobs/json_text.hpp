#pragma once

#include <string>
#include <string_view>

/// JSON text that has been checked already, as JsonCursor does.
namespace tranter::jobs {

inline bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

inline bool is_high_surrogate(unsigned code_unit) {
    return code_unit >= 0xD800 && code_unit <= 0xDBFF;
}

/// Replaces `out` by what stands between the quotes of a string, without its escapes.
void unescape(std::string& out, std::string_view inside);

/// The same text without the blanks between its tokens.
std::string without_blanks(std::string_view json);

}  // namespace tranter::jobs
