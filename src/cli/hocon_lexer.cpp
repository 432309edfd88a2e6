#include "cli/hocon_lexer.hpp"

#include "base/encoding.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

namespace tranter::cli::hocon {
namespace {

constexpr std::string_view reserved = "$\"{}[]:=,+#`^?!@*&\\";

std::unexpected<Error> bad_text(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

}  // namespace

void Lexer::advance(std::size_t bytes) {
    for (std::size_t i = 0; i < bytes && !at_end(); ++i) {
        if (text_[offset_++] == '\n') {
            ++position_.line;
            position_.column = 1;
        } else {
            ++position_.column;
        }
    }
}

// Space, tab, carriage return, and the no-break space that comes with text from web pages.
std::size_t Lexer::blank_bytes() const {
    const char c = peek();
    if (!at_end() && (c == ' ' || c == '\t' || c == '\r')) return 1;
    return looks_at("\xC2\xA0") ? 2 : 0;
}

std::string Lexer::skip_blanks() {
    const std::size_t start = offset_;
    while (const std::size_t bytes = blank_bytes())
        advance(bytes);
    return std::string(text_.substr(start, offset_ - start));
}

void Lexer::skip_lines(bool and_commas) {
    for (;;) {
        skip_blanks();
        if (at_comment()) {
            while (!at_end() && peek() != '\n')
                advance();
        } else if (!at_end() && (peek() == '\n' || (and_commas && peek() == ','))) {
            advance();
        } else {
            return;
        }
    }
}

std::string Lexer::read_unquoted(std::string_view stops) {
    const std::size_t start = offset_;
    while (!at_end() && peek() != '\n' && blank_bytes() == 0 && !looks_at("//") &&
           reserved.find(peek()) == std::string_view::npos &&
           stops.find(peek()) == std::string_view::npos) {
        advance();
    }
    return std::string(text_.substr(start, offset_ - start));
}

Result<std::uint32_t> Lexer::read_hex() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = hex_digit(peek());
        if (digit < 0) return bad_text("\\u needs four hexadecimal digits");
        value = value * 16 + static_cast<std::uint32_t>(digit);
        advance();
    }
    return value;
}

// After the backslash.
Result<void> Lexer::read_escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char c = peek();
    const std::size_t known = at_end() ? std::string_view::npos : letters.find(c);
    if (known != std::string_view::npos) {
        out += meanings[known];
        advance();
        return {};
    }
    if (c != 'u')
        return bad_text(fmt::format("unknown escape \\{}, write \\\\ for a backslash", c));
    advance();
    Result<std::uint32_t> code = read_hex();
    if (!code) return std::unexpected(code.error());
    if (*code >= 0xD800 && *code < 0xDC00 && looks_at("\\u")) {
        advance(2);
        const Result<std::uint32_t> low = read_hex();
        if (!low) return std::unexpected(low.error());
        if (*low < 0xDC00 || *low > 0xDFFF) return bad_text("half of a surrogate pair");
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    }
    if (*code >= 0xD800 && *code <= 0xDFFF) return bad_text("half of a surrogate pair");
    append_utf8(out, *code);
    return {};
}

Result<std::string> Lexer::read_triple_quoted() {
    advance(3);
    const std::size_t end = text_.find("\"\"\"", offset_);
    if (end == std::string_view::npos) return bad_text("text that starts with \"\"\" does not end");
    // More than three closing quotes: the first ones belong to the text.
    std::size_t close = end;
    while (close + 3 < text_.size() && text_[close + 3] == '"')
        ++close;
    std::string out(text_.substr(offset_, close - offset_));
    advance(close + 3 - offset_);
    return out;
}

Result<std::string> Lexer::read_quoted() {
    if (looks_at("\"\"\"")) return read_triple_quoted();
    advance();
    std::string out;
    while (!at_end() && peek() != '"') {
        if (peek() == '\n') return bad_text("text in quotes goes over the end of the line");
        if (peek() == '\\') {
            advance();
            if (Result<void> done = read_escape(out); !done) return std::unexpected(done.error());
            continue;
        }
        out += peek();
        advance();
    }
    if (at_end()) return bad_text("text in quotes does not end, write \"");
    advance();
    return out;
}

}  // namespace tranter::cli::hocon
