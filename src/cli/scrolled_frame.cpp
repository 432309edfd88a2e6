#include "cli/scrolled_frame.hpp"

#include "base/secrets.hpp"
#include "base/unicode.hpp"
#include "cli/fitted_table.hpp"

#include <algorithm>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::size_t scrolled_max = 100'000;
constexpr std::size_t scroll_page = 10;

}  // namespace

Frame scrolled_frame(ScrolledLines list, ScreenSize size) {
    Frame frame{.size = size, .lines = std::move(list.lines)};
    const std::size_t room = size.rows > 0 ? size.rows - 1 : 0;
    if (frame.lines.size() > room && frame.lines.size() > list.fixed) {
        const auto first = frame.lines.begin() + static_cast<std::ptrdiff_t>(list.fixed);
        const std::size_t most =
            std::min(frame.lines.size() - room, frame.lines.size() - list.fixed);
        const std::size_t hidden = std::min(list.scrolled, most);
        frame.lines.erase(first, first + static_cast<std::ptrdiff_t>(hidden));
    }
    frame.lines.resize(room);
    if (size.rows == 0) return frame;
    frame.lines.push_back(
        list.trouble.empty() ? inked("up/down scroll   q quit", Ink::faint)
                             : inked(printable(without_secrets(list.trouble)), Ink::bad)
    );
    return frame;
}

bool take_scroll_key(const Key& key, std::size_t& scrolled) {
    constexpr char control_c = '\x03';
    const auto up = [&scrolled](std::size_t by) {
        scrolled -= std::min(scrolled, by);
    };
    const auto down = [&scrolled](std::size_t by) {
        scrolled = std::min(scrolled + by, scrolled_max);
    };
    if (key.kind == KeyKind::text) {
        if (key.letter == 'k') up(1);
        if (key.letter == 'j') down(1);
        return key.letter != 'q' && key.letter != control_c;
    }
    if (key.kind == KeyKind::up) up(1);
    if (key.kind == KeyKind::down) down(1);
    if (key.kind == KeyKind::page_up) up(scroll_page);
    if (key.kind == KeyKind::page_down) down(scroll_page);
    if (key.kind == KeyKind::home) scrolled = 0;
    return true;
}

}  // namespace tranter::cli
