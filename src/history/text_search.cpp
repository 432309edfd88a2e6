#include "history/text.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace tranter::history {
namespace {

constexpr std::array<std::string_view, text_fields> field_names = {
    "payload", "result", "errors", "log"};

constexpr std::string_view all_fields = "payload result errors log";

fts5_api* find_fts5(Database& database) {
    fts5_api* api = nullptr;
    Statement statement(database.handle(), "SELECT fts5(?1)");
    statement.bind_pointer(1, static_cast<void*>(&api), "fts5_api_ptr");
    statement.run();
    if (api == nullptr) throw DatabaseError(SQLITE_ERROR, "this SQLite has no FTS5");
    return api;
}

char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Whether folded ASCII `word` stands somewhere in `text`, in any case.
bool contains(std::string_view text, std::string_view word) {
    const auto found =
        std::search(text.begin(), text.end(), word.begin(), word.end(), [](char left, char right) {
            return fold(left) == right;
        });
    return found != text.end();
}

}  // namespace

class Tokenizer::Impl {
  public:
    explicit Impl(Database& database) {
        fts5_api* const api = find_fts5(database);
        void* context = nullptr;
        std::array<const char*, 2> options = {"remove_diacritics", "2"};
        if (api->xFindTokenizer(api, "unicode61", &context, &methods_) != SQLITE_OK ||
            methods_.xCreate(context, options.data(), options.size(), &tokenizer_) != SQLITE_OK) {
            throw DatabaseError(SQLITE_ERROR, "this SQLite has no tokenizer unicode61");
        }
    }
    ~Impl() { methods_.xDelete(tokenizer_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void split(std::string_view text, void* context, Sink sink) {
        Target target{context, sink};
        methods_.xTokenize(
            tokenizer_,
            &target,
            FTS5_TOKENIZE_DOCUMENT,
            text.data(),
            static_cast<int>(text.size()),
            &on_token
        );
    }

  private:
    struct Target {
        void* context;
        Sink sink;
    };

    // NOLINTNEXTLINE(readability-function-size): FTS5 calls it with these
    static int on_token(void* context, int /*flags*/, const char* token, int bytes, int, int) {
        const auto* target = static_cast<const Target*>(context);
        const std::string_view word(token, static_cast<std::size_t>(bytes));
        return target->sink(target->context, word) ? SQLITE_OK : SQLITE_DONE;
    }

    fts5_tokenizer methods_{};
    Fts5Tokenizer* tokenizer_ = nullptr;
};

Tokenizer::Tokenizer(Database& database) : impl_(std::make_unique<Impl>(database)) {}

Tokenizer::~Tokenizer() = default;

void Tokenizer::split(std::string_view text, void* context, Sink sink) const {
    if (!text.empty()) impl_->split(text, context, sink);
}

std::vector<std::string> Tokenizer::words_of(std::string_view text) const {
    std::vector<std::string> words;
    split(text, &words, [](void* context, std::string_view token) {
        static_cast<std::vector<std::string>*>(context)->emplace_back(token);
        return true;
    });
    return words;
}

TextSearch::TextSearch(const HistoryFilter& filter, const Tokenizer& tokenizer)
    : tokenizer_(tokenizer) {
    for (const TextTerm& term : filter.words)
        add(term.text, {.prefix = term.prefix});
    for (const std::string& text : filter.errors)
        add(text, {.prefix = true, .in_one_field = true, .field = TextField::errors});
    for (const ArgumentTerm& term : filter.arguments)
        add(term.value, {.in_one_field = true, .field = TextField::payload});
    if (filter.group && !filter.group->empty()) marks_.push_back(group_mark(*filter.group));
    for (const std::string& tag : filter.tags)
        marks_.push_back(tag_mark(tag));
}

void TextSearch::add(std::string_view text, Phrase phrase) {
    phrase.words = tokenizer_.words_of(text);
    if (!phrase.words.empty()) phrases_.push_back(std::move(phrase));
}

std::string TextSearch::match_expression() const {
    std::string expression;
    const auto begin_term = [&expression](std::string_view fields) {
        if (!expression.empty()) expression += " AND ";
        expression += '{';
        expression += fields;
        expression += "} : ";
    };
    for (const std::string& mark : marks_) {
        begin_term("marks");
        expression += '"' + mark + '"';
    }
    for (const Phrase& phrase : phrases_) {
        begin_term(
            phrase.in_one_field ? field_names[static_cast<std::size_t>(phrase.field)] : all_fields
        );
        std::string_view separator = "\"";
        for (const std::string& word : phrase.words) {
            expression += separator;
            expression += word;
            separator = " ";
        }
        expression += phrase.prefix ? "\" *" : "\"";
    }
    return expression;
}

bool TextSearch::matches(const Texts& texts) const {
    return std::ranges::all_of(phrases_, [&](const Phrase& phrase) {
        return matches(phrase, texts);
    });
}

bool TextSearch::matches(const Phrase& phrase, const Texts& texts) const {
    if (phrase.in_one_field) return matches(phrase, texts, phrase.field);
    constexpr std::array fields = {
        TextField::payload, TextField::result, TextField::errors, TextField::log};
    return std::ranges::any_of(fields, [&](TextField field) {
        return matches(phrase, texts, field);
    });
}

/// Words of a text as they pass, compared with a phrase that may begin at any of them.
struct TextSearch::Comparison {
    const Phrase& phrase;
    std::vector<bool> open;  // open[n]: the last n words were the first n of the phrase
    bool found = false;

    bool fits(std::size_t index, std::string_view token) const {
        const std::string& word = phrase.words[index];
        const bool last = index + 1 == phrase.words.size();
        return last && phrase.prefix ? token.starts_with(word) : token == word;
    }

    bool see(std::string_view token) {
        const std::size_t length = phrase.words.size();
        open[0] = true;
        found = open[length - 1] && fits(length - 1, token);
        for (std::size_t count = length - 1; count > 0; --count)
            open[count] = open[count - 1] && fits(count - 1, token);
        return !found;
    }
};

bool TextSearch::matches(const Phrase& phrase, const Texts& texts, TextField field) const {
    std::string buffer;
    const std::string_view text = indexed_text(texts, field, buffer);
    const auto longest = std::ranges::max_element(phrase.words, {}, &std::string::size);
    // Most texts are refused without being tokenized. In ASCII folding is only a matter of case.
    if (is_ascii(*longest) && is_ascii(text) && !contains(text, *longest)) return false;
    Comparison comparison{phrase, std::vector<bool>(phrase.words.size()), false};
    tokenizer_.split(text, &comparison, [](void* context, std::string_view token) {
        return static_cast<Comparison*>(context)->see(token);
    });
    return comparison.found;
}

}  // namespace tranter::history
