#pragma once

#include <tranter/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tranter {

/// JSON text that is known to be well-formed, without blanks between its tokens. A field of this
/// type passes any value through, with its numbers digit by digit as they were. Equality compares
/// the text, so `{"a":1,"b":2}` is not equal to `{"b":2,"a":1}`.
class Json {
  public:
    /// `null`
    Json() = default;

    /// `invalid_argument` for what is not JSON, has the same key twice in an object, or is nested
    /// deeper than 64 arrays and objects.
    static Result<Json> parse(std::string_view text);

    const std::string& text() const { return text_; }
    /// How many arrays and objects stand in each other: 0 for `1`, 2 for `[{}]`.
    unsigned depth() const { return depth_; }

    bool operator==(const Json&) const = default;

  private:
    friend class PayloadReader;

    std::string text_ = "null";
    std::uint8_t depth_ = 0;
};

}  // namespace tranter
