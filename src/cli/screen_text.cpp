#include "cli/screen_text.hpp"

#include "cli/terminal_text.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

namespace tranter::cli {

namespace {

constexpr char escape_key = '\x1b';
/// No terminal sends longer ones.
constexpr std::size_t key_bytes_max = 16;

/// By what is between "ESC [" (or "ESC O") and its end.
constexpr auto key_sequences = std::to_array<std::pair<std::string_view, KeyKind>>({
    {"A", KeyKind::up},
    {"B", KeyKind::down},
    {"H", KeyKind::home},
    {"F", KeyKind::end},
    {"M", KeyKind::enter},
    {"1~", KeyKind::home},
    {"7~", KeyKind::home},
    {"4~", KeyKind::end},
    {"8~", KeyKind::end},
    {"5~", KeyKind::page_up},
    {"6~", KeyKind::page_down},
});

std::string_view line_of(const Frame& frame, std::size_t row) {
    return row < frame.lines.size() ? std::string_view(frame.lines[row]) : std::string_view();
}

/// Bytes of the sequence that `text` begins with, behind its first two; 0: there is more to come.
std::size_t sequence_bytes(std::string_view text) {
    if (text[1] == 'O') return text.size() > 2 ? 3 : 0;
    for (std::size_t at = 2; at < text.size(); ++at) {
        if (text[at] >= '\x40' && text[at] <= '\x7e') return at + 1;
        if (text[at] < '\x20' || at >= key_bytes_max) return at;
    }
    return 0;
}

void append_sequence(std::vector<Key>& keys, std::string_view sequence) {
    const std::string_view name = sequence.substr(2);
    for (const auto& [known, kind] : key_sequences) {
        if (name == known) keys.push_back({.kind = kind});
    }
}

Key plain_key(char c) {
    if (c == '\r' || c == '\n') return {.kind = KeyKind::enter};
    return {.letter = c};
}

}  // namespace

std::string repaint(const Frame& shown, const Frame& wanted) {
    std::string out;
    const bool anew = shown.size != wanted.size || shown.lines.empty();
    if (anew) out += "\x1b[0m\x1b[2J";
    for (std::size_t row = 0; row < wanted.size.rows; ++row) {
        const std::string_view line = line_of(wanted, row);
        if (anew ? line.empty() : line == line_of(shown, row)) continue;
        // Cleared before and not after: behind the last column there is nothing to be cleared, and
        // terminals then take the last character.
        fmt::format_to(
            std::back_inserter(out),
            "\x1b[{};1H\x1b[0m\x1b[K{}",
            row + 1,
            cut_line(line, wanted.size.columns)
        );
    }
    return out;
}

std::vector<Key> KeyReader::feed(std::string_view bytes) {
    pending_ += bytes;
    std::vector<Key> keys;
    std::string_view left = pending_;
    while (!left.empty()) {
        if (left.front() != escape_key) {
            keys.push_back(plain_key(left.front()));
            left.remove_prefix(1);
            continue;
        }
        if (left.size() == 1) break;
        if (left[1] != '[' && left[1] != 'O') {
            keys.push_back({.kind = KeyKind::escape});
            left.remove_prefix(1);
            continue;
        }
        const std::size_t length = sequence_bytes(left);
        if (length == 0) break;
        append_sequence(keys, left.substr(0, length));
        left.remove_prefix(length);
    }
    pending_ = std::string(left);
    return keys;
}

std::vector<Key> KeyReader::rest() {
    if (pending_.empty()) return {};
    std::vector<Key> keys{{.kind = KeyKind::escape}};
    for (const char c : std::exchange(pending_, {}).substr(1))
        keys.push_back(plain_key(c));
    return keys;
}

}  // namespace tranter::cli
