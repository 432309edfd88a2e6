#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tranter {

/// One step through UTF-8 text.
struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;
    bool valid = true;  // false: `value` is one byte that does not belong there
};

/// Reads the code point that starts at `at`, which must be inside the text.
CodePoint code_point_at(std::string_view text, std::size_t at);

/// Writes a code point as UTF-8. Whether it is one that text may have is for the caller to know.
void append_utf8(std::string& out, char32_t value);

/// Characters that move the cursor, start escape sequences, turn the reading direction or cannot
/// be seen: C0, DEL, C1, bidirectional controls, zero-width characters, line separators.
bool is_steering(char32_t value);

/// Text for a terminal: steering characters as \n, \x1b or \u202e, bytes that are not UTF-8 as
/// \xff. Text from a server or a user goes through here before it is shown to a person.
std::string printable(std::string_view text);

/// printable() of at most `columns` columns; what is cut off is replaced by an ellipsis.
std::string printable(std::string_view text, std::size_t columns);

/// printable() between single quotes, cut to what is enough to recognise a word: for error texts.
std::string in_quotes(std::string_view text);

/// How wide a terminal shows a text: wide characters (East Asian, emoji) take two columns, marks
/// that stand on the character before them none.
std::size_t columns_of(std::string_view text);

}  // namespace tranter
