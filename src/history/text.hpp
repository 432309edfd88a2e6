#pragma once

#include "history/database.hpp"
#include "history/filter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// The columns of a text index, in their order.
enum class TextField : std::uint8_t { payload, result, errors, log };
inline constexpr std::size_t text_fields = 4;
using Texts = std::array<std::string_view, text_fields>;

/// The text inside JSON for a tokenizer: escapes are resolved (so that a word after a \n is not
/// found as "nword"), everything else stays. Works on anything, also on what is not JSON. Returns
/// `json` itself when nothing had to be changed, otherwise `buffer`.
std::string_view plain_text(std::string_view json, std::string& buffer);
/// What of a field is indexed and compared: plain_text, but a log is text already.
std::string_view indexed_text(const Texts& texts, TextField field, std::string& buffer);

/// The tokenizer that FTS5 uses for text indexes, called directly: what it makes of a search is
/// also compared with entries that are not indexed yet, and both agree. Belongs to a connection.
class Tokenizer {
  public:
    /// As it stands in CREATE VIRTUAL TABLE.
    static constexpr std::string_view definition = "unicode61 remove_diacritics 2";

    explicit Tokenizer(Database& database);
    ~Tokenizer();
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    /// `token` gets each word, folded; it returns whether to go on.
    using Sink = bool (*)(void* context, std::string_view token);
    void split(std::string_view text, void* context, Sink sink) const;
    std::vector<std::string> words_of(std::string_view text) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// One word that stands for a group or a tag in the column `marks` of a text index. Two may have
/// the same, so what is found is compared again.
std::string group_mark(std::string_view group);
std::string tag_mark(std::string_view tag);
/// The marks of an entry; `tags` as it stands in the row.
std::string marks_of(std::string_view group, std::string_view tags);

/// The texts that a filter asks for, ready to be looked up or compared.
class TextSearch {
  public:
    TextSearch(const HistoryFilter& filter, const Tokenizer& tokenizer);

    /// A text index does not help.
    bool empty() const { return phrases_.empty() && marks_.empty(); }
    /// No texts are asked for: everything matches.
    bool has_no_texts() const { return phrases_.empty(); }
    /// For MATCH. Consists of tokens in quotes and of our own operators only.
    std::string match_expression() const;
    /// Compares texts only, not groups and tags.
    bool matches(const Texts& texts) const;

  private:
    struct Phrase {
        std::vector<std::string> words{};
        bool prefix = false;
        bool in_one_field = false;
        TextField field{};  // if in_one_field
    };
    struct Comparison;

    void add(std::string_view text, Phrase phrase);
    bool matches(const Phrase& phrase, const Texts& texts) const;
    bool matches(const Phrase& phrase, const Texts& texts, TextField field) const;

    const Tokenizer& tokenizer_;
    std::vector<Phrase> phrases_;
    std::vector<std::string> marks_;
};

/// Whether JSON has that value in that field. `false` when it is no JSON.
bool argument_matches(std::string_view json, const ArgumentTerm& term);

/// Makes known to SQL: `history_text(search, payload, result, errors, log)` and
/// `history_argument(term, payload)`, whose first argument is bound with these names, and
/// `history_tag(tag, tags)`.
inline constexpr const char* text_search_tag = "TextSearch";
inline constexpr const char* argument_term_tag = "ArgumentTerm";
void add_functions(Database& database);

}  // namespace tranter::history
