#pragma once

#include "base/error.hpp"

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// A regular expression that is looked for in text which others have written. The time it takes
/// grows with the length of the text and with that of the expression, never faster, and it needs no
/// stack, which std::regex does not promise.
///
/// What is understood is the syntax of ECMAScript without what needs backtracking: no references to
/// groups, nothing that looks ahead or behind, no properties (\p). A class ([...]) holds ASCII; "."
/// and classes that are negated take a whole character of UTF-8.
class Pattern {
  public:
    /// `invalid_argument` says what is wrong, and where.
    [[nodiscard]] static Result<Pattern> compile(std::string_view expression);

    /// Whether it matches anywhere in `text`, which is one line: ^ and $ are its ends.
    bool is_in(std::string_view text) const;

  private:
    friend class PatternCompiler;
    using Bytes = std::bitset<256>;
    struct Step {
        enum class Kind : std::uint8_t { bytes, fork, jump, begin, end, edge, no_edge, match };
        Kind kind = Kind::match;
        std::uint32_t to = 0;     // fork, jump; bytes: which of sets_
        std::uint32_t other = 0;  // fork
    };
    class Run;

    Pattern() = default;

    std::vector<Step> steps_{};
    std::vector<Bytes> sets_{};
};

}  // namespace tranter::supervise
