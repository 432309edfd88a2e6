#pragma once

#include "base/error.hpp"
#include "cli/config_node.hpp"

#include <string>
#include <string_view>

namespace tranter::cli::hocon {

/// Reads one HOCON text from front to back and knows where it is. Errors are only the text of what
/// is wrong at position().
class Lexer {
  public:
    Lexer(std::string_view text, std::uint32_t file) : text_(text), position_{.file = file} {}

    bool at_end() const { return offset_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[offset_]; }
    bool looks_at(std::string_view word) const { return text_.substr(offset_).starts_with(word); }
    ConfigPosition position() const { return position_; }

    void advance(std::size_t bytes = 1);
    /// Blanks within a line; returns what was skipped.
    std::string skip_blanks();
    /// Blanks, comments and line ends, and commas too when they separate.
    void skip_lines(bool and_commas);
    bool at_comment() const { return peek() == '#' || looks_at("//"); }

    /// A quoted or triple-quoted text.
    Result<std::string> read_quoted();
    /// Unquoted text up to a blank, a reserved character, a comment or one of `stops`. May be
    /// empty.
    std::string read_unquoted(std::string_view stops);

  private:
    std::size_t blank_bytes() const;
    Result<void> read_escape(std::string& out);
    Result<std::uint32_t> read_hex();
    Result<std::string> read_triple_quoted();

    std::string_view text_;
    std::size_t offset_ = 0;
    ConfigPosition position_;
};

}  // namespace tranter::cli::hocon
