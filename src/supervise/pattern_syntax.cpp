#include "supervise/pattern_syntax.hpp"

#include "base/unicode.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace tranter::supervise {
namespace {

using PatternBytes = std::bitset<256>;

constexpr int pattern_depth_max = 50;
constexpr std::uint32_t pattern_repeats_max = 1000;

PatternBytes byte_range(unsigned from, unsigned to) {
    PatternBytes out;
    for (unsigned byte = from; byte <= to; ++byte)
        out.set(byte);
    return out;
}

PatternBytes one_byte(unsigned char byte) {
    return PatternBytes().set(byte);
}

/// Of a character of UTF-8 all but the first.
PatternBytes following_bytes() {
    return byte_range(0x80, 0xbf);
}

PatternBytes digit_bytes() {
    return byte_range('0', '9');
}

PatternBytes word_bytes() {
    return byte_range('a', 'z') | byte_range('A', 'Z') | digit_bytes() | one_byte('_');
}

PatternBytes space_bytes() {
    return one_byte(' ') | byte_range('\t', '\r');
}

PatternNode byte_node(const PatternBytes& bytes) {
    PatternNode out;
    out.kind = PatternNode::Kind::bytes;
    out.bytes = bytes;
    return out;
}

/// One character that is none of `excluded`, which are ASCII.
PatternNode any_character_but(const PatternBytes& excluded) {
    PatternNode rest;
    rest.kind = PatternNode::Kind::repeat;
    rest.parts.push_back(byte_node(following_bytes()));
    PatternNode out;
    out.parts.push_back(byte_node(~excluded & ~following_bytes()));
    out.parts.push_back(std::move(rest));
    return out;
}

/// The bytes of a character one after the other.
PatternNode literal_node(char32_t value) {
    std::string bytes;
    append_utf8(bytes, value);
    PatternNode out;
    for (const char byte : bytes)
        out.parts.push_back(byte_node(one_byte(static_cast<unsigned char>(byte))));
    return out;
}

/// \d, \w, \s and their opposites.
struct LetterClass {
    PatternBytes bytes{};
    bool is_negated = false;
};

std::optional<LetterClass> letter_class_of(char letter) {
    switch (letter) {
        case 'd':
        case 'D':
            return LetterClass{digit_bytes(), letter == 'D'};
        case 'w':
        case 'W':
            return LetterClass{word_bytes(), letter == 'W'};
        case 's':
        case 'S':
            return LetterClass{space_bytes(), letter == 'S'};
        default:
            return std::nullopt;
    }
}

class PatternParser {
  public:
    explicit PatternParser(std::string_view text) : text_(text) {}

    Result<PatternNode> parse() {
        auto all = choice();
        if (all && !at_end()) return wrong("a ) has no ( before it");
        return all;
    }

  private:
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) {
        if (!starts(what)) return false;
        at_ += what.size();
        return true;
    }

    std::unexpected<Error> wrong(const std::string& what) const {
        return fail(
            Errc::invalid_argument,
            "regular expression " + in_quotes(text_) + ", character " + std::to_string(at_ + 1) +
                ": " + what
        );
    }

    Result<PatternNode> choice() {
        PatternNode out;
        out.kind = PatternNode::Kind::choice;
        do {
            auto one_way = sequence();
            if (!one_way) return one_way;
            out.parts.push_back(std::move(*one_way));
        } while (take("|"));
        if (out.parts.size() > 1) return out;
        return std::move(out.parts.front());
    }

    Result<PatternNode> sequence() {
        PatternNode out;
        while (!at_end() && peek() != '|' && peek() != ')') {
            auto part = repeated();
            if (!part) return part;
            out.parts.push_back(std::move(*part));
        }
        return out;
    }

    Result<PatternNode> repeated() {
        const std::size_t begin = at_;
        auto what = single();
        if (!what) return what;
        for (bool again = false;; again = true) {
            const std::size_t here = at_;
            const auto times = quantifier();
            if (!times) return what;
            // Whether it takes as much or as little as it can makes no difference to us.
            take("?");
            if (again || here == begin) {
                at_ = here;
                return wrong("there is nothing to repeat");
            }
            if (times->second < times->first || bound(*times) > pattern_repeats_max) {
                at_ = here;
                return wrong(
                    "the times are out of order or above " + std::to_string(pattern_repeats_max)
                );
            }
            PatternNode out;
            out.kind = PatternNode::Kind::repeat;
            out.min = times->first;
            out.max = times->second;
            out.parts.push_back(std::move(*what));
            what = std::move(out);
        }
    }

    static std::uint32_t bound(const std::pair<std::uint32_t, std::uint32_t>& times) {
        return times.second == PatternNode::unlimited ? times.first : times.second;
    }

    std::optional<std::pair<std::uint32_t, std::uint32_t>> quantifier() {
        constexpr auto no_end = PatternNode::unlimited;
        if (take("*")) return std::pair(0U, no_end);
        if (take("+")) return std::pair(1U, no_end);
        if (take("?")) return std::pair(0U, 1U);
        const std::size_t before = at_;
        if (take("{")) {
            const auto min = number();
            const bool has_comma = min && take(",");
            const auto max = has_comma ? number() : min;
            if (min && take("}")) return std::pair(*min, max.value_or(no_end));
        }
        at_ = before;
        return std::nullopt;
    }

    /// No more than a little above pattern_repeats_max.
    std::optional<std::uint32_t> number() {
        const std::size_t before = at_;
        std::uint32_t out = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_)
            out = std::min(
                out * 10 + static_cast<std::uint32_t>(peek() - '0'), pattern_repeats_max + 1
            );
        if (at_ == before) return std::nullopt;
        return out;
    }

    Result<PatternNode> single() {
        PatternNode out;
        if (take("^")) {
            out.kind = PatternNode::Kind::begin;
            return out;
        }
        if (take("$")) {
            out.kind = PatternNode::Kind::end;
            return out;
        }
        if (take(".")) return any_character_but(one_byte('\n') | one_byte('\r'));
        if (take("(")) return group();
        if (take("[")) return set();
        if (take("\\")) return escape();
        if (starts("*") || starts("+") || starts("?")) return wrong("there is nothing to repeat");
        const CodePoint next = code_point_at(text_, at_);
        at_ += next.bytes;
        if (!next.valid) return byte_node(one_byte(static_cast<unsigned char>(next.value)));
        return literal_node(next.value);
    }

    Result<PatternNode> group() {
        if (take("?")) {
            if (starts("=") || starts("!") || starts("<=") || starts("<!"))
                return wrong("nothing can look ahead or behind here");
            if (take("<")) {
                const std::size_t end = text_.find('>', at_);
                if (end == std::string_view::npos) return wrong("the name of a group has no >");
                at_ = end + 1;
            } else if (!take(":")) {
                return wrong("after (? comes : or <NAME>");
            }
        }
        if (++depth_ > pattern_depth_max)
            return wrong(
                "more than " + std::to_string(pattern_depth_max) + " groups are in each other"
            );
        auto inside = choice();
        --depth_;
        if (inside && !take(")")) return wrong("a ( has no ) after it");
        return inside;
    }

    /// After the backslash.
    Result<PatternNode> escape() {
        PatternNode out;
        if (take("b") || take("B")) {
            out.kind = text_[at_ - 1] == 'b' ? PatternNode::Kind::edge : PatternNode::Kind::no_edge;
            return out;
        }
        if (const auto known = letter_class_of(peek())) {
            ++at_;
            return known->is_negated ? any_character_but(known->bytes) : byte_node(known->bytes);
        }
        const auto value = escaped();
        if (!value) return std::unexpected(value.error());
        return literal_node(*value);
    }

    /// The character that an escape stands for.
    Result<char32_t> escaped() {
        if (at_end()) return wrong("there is nothing after the backslash");
        constexpr std::string_view letters = "nrtfv0";
        constexpr std::string_view values("\n\r\t\f\v\0", 6);
        const char letter = peek();
        if (const auto known = letters.find(letter); known != std::string_view::npos) {
            ++at_;
            return static_cast<char32_t>(values[known]);
        }
        if (letter == 'x') return hexadecimal(2);
        if (letter == 'u') return hexadecimal(4);
        if (letter >= '1' && letter <= '9') return wrong("there are no references to groups here");
        if (word_bytes().test(static_cast<unsigned char>(letter)))
            return wrong("\\" + std::string(1, letter) + " means nothing here");
        const CodePoint next = code_point_at(text_, at_);
        at_ += next.bytes;
        return next.value;
    }

    Result<char32_t> hexadecimal(std::size_t count) {
        char32_t value = 0;
        ++at_;
        for (std::size_t i = 0; i < count; ++i) {
            constexpr std::string_view figures = "0123456789abcdef";
            const auto figure = figures.find(static_cast<char>(peek() | ('A' ^ 'a')));
            if (at_end() || figure == std::string_view::npos)
                return wrong(std::to_string(count) + " hexadecimal figures are missing");
            value = value * 16 + static_cast<char32_t>(figure);
            ++at_;
        }
        return value;
    }

    /// After the [.
    Result<PatternNode> set() {
        const bool is_negated = take("^");
        PatternBytes bytes;
        bool has_others = false;  // than ASCII
        while (!take("]")) {
            if (at_end()) return wrong("a [ has no ] after it");
            auto first = member();
            if (!first) return std::unexpected(first.error());
            has_others = has_others || first->is_negated;
            if (!first->single || !starts("-") || starts("-]")) {
                bytes |= first->is_negated ? ~first->bytes : first->bytes;
                continue;
            }
            take("-");
            auto last = member();
            if (!last) return std::unexpected(last.error());
            if (!last->single || *last->single < *first->single)
                return wrong("a range goes from one character to a later one");
            bytes |= byte_range(*first->single, *last->single);
        }
        bytes &= byte_range(0, 0x7f);
        if (is_negated && has_others) return byte_node(~bytes & byte_range(0, 0x7f));
        if (is_negated) return any_character_but(bytes);
        return has_others ? any_character_but(~bytes & byte_range(0, 0x7f)) : byte_node(bytes);
    }

    struct Member {
        PatternBytes bytes{};
        bool is_negated = false;
        std::optional<unsigned char> single{};
    };

    /// One part of a set.
    Result<Member> member() {
        char32_t value = 0;
        if (take("\\")) {
            if (const auto known = letter_class_of(peek())) {
                ++at_;
                return Member{known->bytes, known->is_negated, {}};
            }
            if (take("b")) {
                value = '\b';
            } else if (auto one_character = escaped()) {
                value = *one_character;
            } else {
                return std::unexpected(one_character.error());
            }
        } else {
            const CodePoint next = code_point_at(text_, at_);
            if (!next.valid || next.value >= 0x80) return wrong("a class holds ASCII only");
            value = next.value;
            ++at_;
        }
        if (value >= 0x80) return wrong("a class holds ASCII only");
        const auto byte = static_cast<unsigned char>(value);
        return Member{one_byte(byte), false, byte};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Result<PatternNode> parse_pattern(std::string_view expression) {
    return PatternParser(expression).parse();
}

}  // namespace tranter::supervise
