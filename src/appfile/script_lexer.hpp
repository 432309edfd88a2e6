#pragma once

#include "appfile/value.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tranter::appfile {

struct Token {
    enum class Kind : std::uint8_t { end, name, number, text, mark, template_start };
    Kind kind = Kind::end;
    std::string text{};  // of a name, a text without its escapes, or a mark such as "=>"
    double number = 0;
    Place place{};
    bool begins_line = false;  // a line ended in front of it
};

/// JavaScript as tokens, one at a time. After an error there are only `end` tokens, so that whoever
/// reads needs no check in between.
class ScriptLexer {
  public:
    /// `text` is UTF-8 and outlives it.
    explicit ScriptLexer(std::string_view text);

    const Token& current() const { return token_; }
    void advance();

    /// The current token is a template_start, or the `}` of a substitution: reads on up to the next
    /// `${`, then true, or up to the end of the template. Either is followed by advance().
    bool read_template(std::string& out);

    struct Regex {
        std::string source{};
        std::string flags{};
    };
    /// The current token is a mark that starts with `/`: reads it as a regular expression.
    Regex read_regex();

    /// The first one counts.
    void fail_at(Place place, std::string text);
    bool has_failed() const { return !error_.empty(); }
    /// "3:14: what"
    const std::string& error() const { return error_; }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    bool is_at_end() const { return at_ >= text_.size(); }
    char take();
    Place here() const;
    bool skip_blank();
    bool skip_comment();
    void read_name();
    void read_number();
    void read_digits(std::size_t start);
    void read_radix(int base);
    void read_text(char quote);
    void read_escape(std::string& out);
    char32_t read_hex(std::size_t digits);
    char32_t read_unicode();
    void read_mark();

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
    Token token_{};
    std::string error_{};
};

}  // namespace tranter::appfile
