#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tranter::cli {

struct LineLook {
    /// Sequences that choose colours, bold and the like stay; otherwise they go too.
    bool colours = false;
    /// Tabs become blanks up to the next multiple of eight columns.
    bool expands_tabs = true;
};

/// A line that a stranger has printed, made harmless: whatever moves the cursor, clears the screen,
/// sets the title or the clipboard or asks the terminal for an answer is left out, other characters
/// that steer and bytes that are no UTF-8 are shown as in printable(). Colours end with the line.
std::string harmless_line(std::string_view line, const LineLook& look);

/// Columns of text that may have colours in it, and is harmless otherwise.
std::size_t shown_columns(std::string_view harmless);

/// At most `columns` columns of it, with an ellipsis for what is cut off.
std::string cut_line(std::string_view harmless, std::size_t columns);

}  // namespace tranter::cli
