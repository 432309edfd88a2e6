#include "appfile/script_lexer.hpp"

#include "base/encoding.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace tranter::appfile {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) {
    return starts_name(c) || is_digit(c);
}

/// Half of a surrogate pair stands for nothing in UTF-8.
char32_t scalar(char32_t c) {
    return c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c;
}

constexpr std::array<std::string_view, 34> marks{
    "===", "!==", "**=", "...", "?\?=", "||=", "&&=", "=>", "==", "!=", "<=", ">=",
    "&&",  "||",  "??",  "?.",  "++",   "--",  "**",  "+=", "-=", "*=", "/=", "%=",
    "<<",  ">>",  "|=",  "&=",  "^=",   "=",   "<",   ">",  "+",  "-"};
constexpr std::string_view single_marks = "*/%!?:;,.()[]{}&|^~#@";

}  // namespace

ScriptLexer::ScriptLexer(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_start_ = 3;
    if (text_.substr(at_).starts_with("#!")) {
        while (!is_at_end() && peek() != '\n')
            take();
    }
    advance();
}

Place ScriptLexer::here() const {
    return {line_, static_cast<std::uint32_t>(at_ - line_start_ + 1)};
}

char ScriptLexer::take() {
    const char c = text_[at_++];
    if (c == '\n') {
        ++line_;
        line_start_ = at_;
    }
    return c;
}

void ScriptLexer::fail_at(Place place, std::string text) {
    if (has_failed()) return;
    error_ = fmt::format("{}:{}: {}", place.line, place.column, text);
    token_ = {.kind = Token::Kind::end, .place = place};
}

void ScriptLexer::advance() {
    const bool begins_line = skip_blank();
    token_ = {.place = here(), .begins_line = begins_line};
    if (has_failed() || is_at_end()) return;
    const char c = peek();
    if (starts_name(c)) {
        read_name();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        read_number();
    } else if (c == '"' || c == '\'') {
        read_text(take());
    } else if (c == '`') {
        take();
        token_.kind = Token::Kind::template_start;
    } else {
        read_mark();
    }
}

/// Whether a line ended in it.
bool ScriptLexer::skip_blank() {
    const std::uint32_t line = line_;
    while (!is_at_end() && !has_failed()) {
        const std::string_view rest = text_.substr(at_);
        if (std::string_view(" \t\r\n\v\f").contains(peek())) {
            take();
        } else if (rest.starts_with("\xC2\xA0")) {
            at_ += 2;
        } else if (rest.starts_with("\xEF\xBB\xBF")) {
            at_ += 3;
        } else if (!skip_comment()) {
            break;
        }
    }
    return line_ != line;
}

bool ScriptLexer::skip_comment() {
    if (peek() != '/') return false;
    const Place start = here();
    if (peek(1) == '/') {
        while (!is_at_end() && peek() != '\n')
            take();
        return true;
    }
    if (peek(1) != '*') return false;
    at_ += 2;
    while (!is_at_end()) {
        if (peek() == '*' && peek(1) == '/') {
            at_ += 2;
            return true;
        }
        take();
    }
    fail_at(start, "this comment has no end, write */");
    return true;
}

void ScriptLexer::read_name() {
    const std::size_t start = at_;
    while (continues_name(peek()))
        ++at_;
    token_.kind = Token::Kind::name;
    token_.text = text_.substr(start, at_ - start);
}

void ScriptLexer::read_radix(int base) {
    at_ += 2;
    double value = 0;
    const std::size_t start = at_;
    for (;; ++at_) {
        const int digit = hex_digit(peek());
        if (peek() == '_' && at_ > start) continue;
        if (digit < 0 || digit >= base) break;
        value = value * base + digit;
    }
    if (at_ == start) fail_at(token_.place, "this number has no digits");
    token_.number = value;
}

void ScriptLexer::read_digits(std::size_t start) {
    const auto digits = [&] {
        while (is_digit(peek()) || peek() == '_')
            ++at_;
    };
    digits();
    if (peek() == '.') {
        ++at_;
        digits();
    }
    const bool has_sign = peek(1) == '+' || peek(1) == '-';
    if ((peek() == 'e' || peek() == 'E') && is_digit(peek(has_sign ? 2 : 1))) {
        at_ += has_sign ? 2 : 1;
        digits();
    }
    std::string plain;
    for (const char c : text_.substr(start, at_ - start))
        if (c != '_') plain += c;
    const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), token_.number);
    if (read.ec == std::errc::result_out_of_range) {
        const bool is_small =
            plain.contains("e-") || plain.contains("E-") || plain.starts_with("0.");
        token_.number = is_small ? 0 : std::numeric_limits<double>::infinity();
    } else if (read.ec != std::errc()) {
        fail_at(token_.place, "this is no number");
    }
}

void ScriptLexer::read_number() {
    token_.kind = Token::Kind::number;
    const char second = static_cast<char>(peek(1) | 0x20);
    if (peek() == '0' && (second == 'x' || second == 'b' || second == 'o')) {
        read_radix(second == 'x' ? 16 : second == 'b' ? 2 : 8);
    } else if (peek() == '0' && is_digit(peek(1))) {
        fail_at(token_.place, "a number that starts with 0 is octal or decimal, write it without");
    } else {
        read_digits(at_);
    }
    if (continues_name(peek())) fail_at(token_.place, "letters follow this number");
}

void ScriptLexer::read_text(char quote) {
    token_.kind = Token::Kind::text;
    const Place start = token_.place;
    while (!has_failed()) {
        if (is_at_end() || peek() == '\n') {
            fail_at(start, fmt::format("this text has no end, write {} behind it", quote));
            return;
        }
        const char c = take();
        if (c == quote) return;
        if (c == '\\') {
            read_escape(token_.text);
        } else {
            token_.text += c;
        }
    }
}

char32_t ScriptLexer::read_hex(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const int digit = hex_digit(peek());
        if (digit < 0) {
            fail_at(here(), "this escape needs hexadecimal digits");
            return 0;
        }
        value = value * 16 + static_cast<char32_t>(digit);
        ++at_;
    }
    return value;
}

/// Behind "\u".
char32_t ScriptLexer::read_unicode() {
    if (peek() == '{') {
        ++at_;
        char32_t value = 0;
        while (hex_digit(peek()) >= 0 && value <= 0x10FFFF)
            value = value * 16 + read_hex(1);
        if (peek() != '}') fail_at(here(), "this escape needs a } and at most 10FFFF");
        if (!is_at_end()) take();
        return value;
    }
    const char32_t first = read_hex(4);
    const bool is_half = first >= 0xD800 && first < 0xDC00 && peek() == '\\' && peek(1) == 'u';
    if (!is_half) return first;
    const std::size_t before = at_;
    at_ += 2;
    const char32_t second = peek() == '{' ? 0 : read_hex(4);
    if (second >= 0xDC00 && second < 0xE000) {
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
    at_ = before;
    return first;
}

/// Behind the backslash.
void ScriptLexer::read_escape(std::string& out) {
    if (is_at_end()) return;
    constexpr std::string_view letters = "nrtbfv0";
    constexpr std::string_view meanings("\n\r\t\b\f\v\0", 7);
    const char c = take();
    if (c == 'x') {
        append_utf8(out, scalar(read_hex(2)));
    } else if (c == 'u') {
        append_utf8(out, scalar(read_unicode()));
    } else if (c == '\r' && peek() == '\n') {
        take();
    } else if (const std::size_t found = letters.find(c); found != std::string_view::npos) {
        out += meanings[found];
    } else if (c != '\n') {
        out += c;
    }
}

bool ScriptLexer::read_template(std::string& out) {
    const Place start = token_.place;
    while (!has_failed()) {
        if (is_at_end()) {
            fail_at(start, "this text has no end, write ` behind it");
            break;
        }
        const char c = take();
        if (c == '`') return false;
        if (c == '$' && peek() == '{') {
            take();
            return true;
        }
        if (c == '\\') {
            read_escape(out);
        } else if (c != '\r' || peek() != '\n') {
            out += c;
        }
    }
    return false;
}

ScriptLexer::Regex ScriptLexer::read_regex() {
    // "/=" was read as one mark.
    Regex out{.source = token_.text.substr(1)};
    bool in_class = false;
    for (;;) {
        if (is_at_end() || peek() == '\n') {
            fail_at(token_.place, "this regular expression has no end, write / behind it");
            return out;
        }
        const char c = take();
        if (c == '/' && !in_class) break;
        if (c == '[') in_class = true;
        if (c == ']') in_class = false;
        out.source += c;
        if (c == '\\' && !is_at_end() && peek() != '\n') out.source += take();
    }
    while (continues_name(peek()))
        out.flags += take();
    return out;
}

void ScriptLexer::read_mark() {
    token_.kind = Token::Kind::mark;
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view mark : marks) {
        // `a?.5:b` has no optional chain in it.
        if (!rest.starts_with(mark) || (mark == "?." && is_digit(peek(2)))) continue;
        token_.text = mark;
        at_ += mark.size();
        return;
    }
    const char c = peek();
    if (!single_marks.contains(c)) {
        fail_at(
            here(),
            fmt::format("character \\x{:02x} has no meaning here", static_cast<unsigned char>(c))
        );
        return;
    }
    token_.text = std::string(1, c);
    ++at_;
}

}  // namespace tranter::appfile
