#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a live view writes to a terminal and reads from it, as text: see Screen for the terminal.
namespace tranter::cli {

struct ScreenSize {
    std::size_t columns = 80;
    std::size_t rows = 24;

    bool operator==(const ScreenSize&) const = default;
};

/// What a screen shows: harmless lines with colours, from the top. What does not fit is cut off.
struct Frame {
    ScreenSize size{};
    std::vector<std::string> lines{};
};

/// What turns one frame into the next: only lines that differ are written, and everything when the
/// size does.
std::string repaint(const Frame& shown, const Frame& wanted);

enum class KeyKind : std::uint8_t {
    text,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    enter,
    escape,
};

struct Key {
    KeyKind kind = KeyKind::text;
    char letter = 0;  // of text; 0x03 is Ctrl-C

    bool operator==(const Key&) const = default;
};

/// Takes what a terminal sends apart. Sequences may come in pieces.
class KeyReader {
  public:
    std::vector<Key> feed(std::string_view bytes);
    /// Nothing came for a while: an ESC that waits for its sequence is the key itself.
    std::vector<Key> rest();
    bool waits() const { return !pending_.empty(); }

  private:
    std::string pending_{};
};

}  // namespace tranter::cli
