#include "postgres_jobs/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

/// As long as words are in the index; what is longer is cut there as well as here.
constexpr std::size_t word_bytes_max = 200;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Lower case for a letter, the digit itself, 0 for what stands between words.
char word_letter(char c) {
    if ((c >= 'a' && c <= 'z') || is_digit(c)) return c;
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return '\0';
}

bool is_ascii(char c) {
    return (static_cast<unsigned char>(c) & 0x80U) == 0;
}

/// Between quotes, as a tsquery wants it.
std::string as_lexeme(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += c;
        out += c;
    }
    return out + '\'';
}

void append_and(std::string& query, std::string_view part) {
    if (part.empty()) return;
    if (!query.empty()) query += " & ";
    query += part;
}

/// A row whose texts have other letters than ASCII may have any word.
std::string or_unsure(const std::string& query) {
    return query.empty() ? query : fmt::format("({} | 'UNSURE')", query);
}

std::string unsure_column(std::string_view column) {
    return fmt::format(
        " OR octet_length({0}) <> char_length({0}) OR strpos({0}, '\\u') > 0", column
    );
}

std::string plain_term(SearchSql& sql, const SearchTerm& term, bool has_results) {
    std::string all;
    for (const SearchWord& word : term.words) {
        const std::string wanted = sql.parameter(word.text);
        if (!all.empty()) all += " AND ";
        all += fmt::format("(strpos(lower(j.payload COLLATE \"C\"), {0}) > 0", wanted);
        if (has_results)
            all += fmt::format(" OR strpos(lower(j.result COLLATE \"C\"), {0}) > 0", wanted);
        all += fmt::format(" OR strpos(lower(j.failures COLLATE \"C\"), {0}) > 0)", wanted);
    }
    if (all.empty()) return {};
    std::string out =
        fmt::format(" AND (({})", all) + unsure_column("j.payload") + unsure_column("j.failures");
    if (has_results) out += unsure_column("j.result");
    if (!term.logged.empty()) {
        out += fmt::format(
            " OR j.id = ANY({}::uuid[])", sql.parameter(postgres::array_of(term.logged))
        );
    }
    return out + ")";
}

/// As options_to_json() writes a tag; nothing when that is not certain.
std::optional<std::string> written_tag(std::string_view tag) {
    const bool plain = std::ranges::all_of(tag, [](char c) {
        return is_ascii(c) && c >= ' ' && c != '"' && c != '\\' && c != '/' && c != '\x7f';
    });
    if (!plain) return std::nullopt;
    return fmt::format("\"{}\"", tag);
}

constexpr std::string_view search_expression =
    "tranter.search_words(f.queue_id, f.state, f.type, f.job_group, f.options, f.payload, "
    "f.result, f.failures)";

std::string marks_query(
    const history::HistoryFilter& filter, std::int64_t queue_id, const std::vector<int>& states
) {
    std::string query;
    if (queue_id != 0) append_and(query, as_lexeme(fmt::format("Q{}", queue_id)));
    if (filter.type) append_and(query, as_lexeme("T" + *filter.type));
    if (filter.group && !filter.group->empty()) append_and(query, as_lexeme("G" + *filter.group));
    for (const std::string& tag : filter.tags)
        append_and(query, fmt::format("({} | 'UNSURETAG')", as_lexeme("K" + tag)));
    std::string any;
    for (const int state : states) {
        if (!any.empty()) any += " | ";
        any += as_lexeme(fmt::format("S{}", state));
    }
    if (!any.empty()) append_and(query, fmt::format("({})", any));
    return query;
}

}  // namespace

std::vector<SearchWord> words_of(std::string_view text, bool prefix) {
    std::vector<SearchWord> words;
    std::string word;
    bool is_known = true;  // of the word that is being read
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : ' ';
        const char letter = word_letter(c);
        if (letter != '\0') {
            word += letter;
        } else if (!is_ascii(c)) {
            is_known = false;
        } else {
            if (is_known && !word.empty()) words.push_back({.text = std::move(word)});
            if (i == text.size() && prefix && is_known && !words.empty()) {
                words.back().prefix = true;
            }
            word.clear();
            // A text that ends between words has no begin of a word at its end.
            is_known = true;
        }
    }
    for (SearchWord& each : words) {
        if (each.text.size() <= word_bytes_max) continue;
        each.text.resize(word_bytes_max);
        each.prefix = true;
    }
    return words;
}

std::vector<SearchWord> words_of(const history::ArgumentTerm& term) {
    std::vector<SearchWord> words;
    const auto add = [&words](std::string_view text) {
        for (SearchWord& word : words_of(text, false))
            words.push_back(std::move(word));
    };
    for (const std::string& name : term.path) {
        if (!std::ranges::all_of(name, is_digit)) add(name);  // a position in an array is nowhere
    }
    const std::string_view value = term.value;
    const bool begins_number = !value.empty() && (is_digit(value.front()) || value.front() == '-');
    const bool is_ambiguous = begins_number && value.find_first_of(".eE") != value.npos;
    if (!is_ambiguous) add(value);
    return words;
}

std::string SearchSql::parameter(postgres::Parameter value) {
    parameters.push_back(std::move(value));
    return fmt::format("${}", parameters.size());
}

std::vector<SearchTerm> terms_of(const history::HistoryFilter& filter) {
    std::vector<SearchTerm> terms;
    const auto add = [&terms](std::vector<SearchWord> words, bool in_log) {
        if (!words.empty()) terms.push_back({.words = std::move(words), .in_log = in_log});
    };
    for (const history::TextTerm& term : filter.words)
        add(words_of(term.text, term.prefix), true);
    for (const std::string& error : filter.errors)
        add(words_of(error, true), false);
    for (const history::ArgumentTerm& term : filter.arguments)
        add(words_of(term), false);
    return terms;
}

std::string plain_conditions(
    SearchSql& sql,
    const history::HistoryFilter& filter,
    const std::vector<SearchTerm>& terms,
    bool has_results
) {
    std::string out;
    if (filter.type) out += fmt::format(" AND j.type = {}", sql.parameter(*filter.type));
    if (filter.group) out += fmt::format(" AND j.job_group = {}", sql.parameter(*filter.group));
    for (const std::string& tag : filter.tags) {
        const auto written = written_tag(tag);
        out += written ? fmt::format(" AND strpos(j.options, {}) > 0", sql.parameter(*written))
                       : " AND j.options IS NOT NULL";
    }
    for (const SearchTerm& term : terms)
        out += plain_term(sql, term, has_results);
    return out;
}

std::string word_query(const std::vector<SearchWord>& words) {
    std::string query;
    for (const SearchWord& word : words)
        append_and(query, as_lexeme(word.text) + (word.prefix ? ":*" : ""));
    return query;
}

std::string indexed_conditions(
    SearchSql& sql,
    const history::HistoryFilter& filter,
    const std::vector<SearchTerm>& terms,
    std::int64_t queue_id,
    const std::vector<int>& states
) {
    std::string query = marks_query(filter, queue_id, states);
    std::string out;
    for (const SearchTerm& term : terms) {
        const std::string one = or_unsure(word_query(term.words));
        if (term.logged.empty()) {
            append_and(query, one);
            continue;
        }
        out += fmt::format(
            " AND ({} @@ {}::tsquery OR f.id = ANY({}::uuid[]))",
            search_expression,
            sql.parameter(one),
            sql.parameter(postgres::array_of(term.logged))
        );
    }
    if (filter.group && filter.group->empty()) out += " AND f.job_group = ''";
    if (!query.empty()) {
        out += fmt::format(" AND {} @@ {}::tsquery", search_expression, sql.parameter(query));
    }
    return out;
}

bool needs_matcher(const history::HistoryFilter& filter) {
    return !filter.tags.empty() || !filter.words.empty() || !filter.errors.empty() ||
           !filter.arguments.empty();
}

}  // namespace tranter::postgres_jobs
