#pragma once

#include "base/error.hpp"
#include "jobs/payload_limits.hpp"
#include "jobs/value_path.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::jobs {

enum class JsonKind : std::uint8_t { null, boolean, number, text, array, object, nothing };

/// Goes through one JSON text (RFC 8259) from its front to its back, one value after the other, and
/// knows the path to where it is. What it passes over is checked as strictly as what it is asked
/// for. Keys that stand twice in an object, halves of surrogate pairs and more than
/// payload_depth_max arrays and objects in each other are refused too.
///
/// Not simdjson, because its DOM (3.0) forgets how a value was written and gives up a whole
/// document for one integer of more than 64 bits, without saying where; and its On Demand front end
/// does not check what it skips and assumes that brackets match. tests/fuzz compares the two.
///
/// Every function is false when something was wrong. The first reason is kept.
class JsonCursor {
  public:
    using EachMember = bool (*)(void* call, std::string_view key);
    using EachElement = bool (*)(void* call, std::size_t index);

    /// The text has to outlive the cursor.
    explicit JsonCursor(
        std::string_view text, unsigned depth_max = payload_depth_max, std::size_t elements_max = 0
    )
        : text_(text), depth_max_(depth_max), elements_max_(elements_max) {}
    JsonCursor(const JsonCursor&) = delete;
    JsonCursor& operator=(const JsonCursor&) = delete;

    /// Before the first value: whether the text is UTF-8.
    bool begin();
    /// After the only value: whether nothing follows.
    bool end();
    /// The reason for the first false.
    Error take_error() { return std::move(*error_); }

    /// Of the next value, by its first character.
    JsonKind kind();
    /// Reads a scalar; another kind than `wanted` is refused with `expected`.
    bool take(JsonKind wanted, std::string_view expected);
    /// The scalar that was read last, as it is written.
    std::string_view token() const { return token_; }
    /// Reads a string. `out` is valid until the next call.
    bool take_text(std::string_view& out, std::string_view expected);
    /// Reads any value, and says how many arrays and objects stand in each other in it.
    bool take_any(std::string_view& out, unsigned& depth);
    bool skip();
    /// The key is valid until the object ends.
    bool members(void* call, EachMember each);
    /// Another number than `count` is refused, if that is given, and more than `elements_max`, if
    /// that is not 0.
    bool elements(const std::size_t* count, void* call, EachElement each);

    /// "expected ..., got TOKEN", for the scalar that was read last.
    bool refuse(std::string_view expected, std::string_view advice = {});
    /// The same for the value that comes next.
    bool refuse_next(std::string_view expected);
    bool fail(std::string_view problem);

  private:
    bool not_json(std::string_view why);
    void skip_blanks();
    bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take_char(char c, std::string_view missing);
    bool take_scalar();
    bool scan_word(std::string_view word);
    bool scan_digits();
    bool scan_number();
    bool scan_string();
    bool scan_escape();
    std::optional<unsigned> scan_code_unit();
    bool take_key(std::string_view& key);
    bool enter(std::string_view expected, JsonKind wanted);
    bool check_distinct(std::size_t first_key);

    std::string_view text_;
    std::size_t at_ = 0;
    std::string_view token_{};
    bool escaped_ = false;  // whether token_ is a string with escapes
    std::string unescaped_{};
    std::vector<std::string_view> keys_{};      // of all objects that are open
    std::deque<std::string> unescaped_keys_{};  // those of them that had escapes
    ValuePath path_{};
    unsigned depth_max_;
    std::size_t elements_max_;
    unsigned depth_ = 0;
    unsigned deepest_ = 0;
    std::optional<Error> error_{};
};

}  // namespace tranter::jobs
