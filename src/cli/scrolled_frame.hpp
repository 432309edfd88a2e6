#pragma once

#include "cli/screen_text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace tranter::cli {

/// A live list that may be longer than the screen.
struct ScrolledLines {
    std::vector<std::string> lines{};
    std::size_t fixed = 0;     // of them at the top, which stay
    std::size_t scrolled = 0;  // of the others that are above the screen, at most
    std::string trouble{};     // in the last line instead of what the keys do
};

/// Of that size; the last line says what keys do.
Frame scrolled_frame(ScrolledLines list, ScreenSize size);

/// What a key does to `scrolled`. False: it is the end.
bool take_scroll_key(const Key& key, std::size_t& scrolled);

}  // namespace tranter::cli
