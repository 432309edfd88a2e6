#pragma once

#include "history/filter.hpp"
#include "postgres/connection.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a filter asks for, as conditions of SQL. They find whatever matches and may find more: what
/// is a word, and which are the same, history::Matcher decides afterwards for all stores alike.
namespace tranter::postgres_jobs {

/// A word of ASCII letters and digits, in lower case.
struct SearchWord {
    std::string text{};
    bool prefix = false;

    bool operator==(const SearchWord&) const = default;
};

/// Words that all stand in the texts of a job whenever the term matches it. Of words with other
/// letters nothing is said: which of them are the same is not known to the database.
std::vector<SearchWord> words_of(std::string_view text, bool prefix);
/// The same for a field of the payload: names and value stand in it as they are. A number may be
/// written in several ways, so one with a fraction or an exponent says nothing; 42 is not looked
/// for as 4.2e1.
std::vector<SearchWord> words_of(const history::ArgumentTerm& term);

/// A statement that grows, with its parameters.
struct SearchSql {
    std::string text{};
    std::vector<postgres::Parameter> parameters{};

    /// How it stands in the statement: `$3`.
    std::string parameter(postgres::Parameter value);
};

/// A term of a filter, and the jobs whose log has it: those are found whatever else they have.
struct SearchTerm {
    std::vector<SearchWord> words{};
    bool in_log = false;
    std::vector<postgres::Parameter> logged{};  // ids
};

std::vector<SearchTerm> terms_of(const history::HistoryFilter& filter);

/// ` AND ...` about queue, type, group, tags and terms, for rows that no index helps with: `j` of
/// tranter.jobs (which have no result) or tranter.finished_jobs.
std::string plain_conditions(
    SearchSql& sql,
    const history::HistoryFilter& filter,
    const std::vector<SearchTerm>& terms,
    bool has_results
);
/// The same, and about the queue and states, by the index of words of a period: `f` of
/// tranter.finished_jobs. See search_functions.cpp.
std::string indexed_conditions(
    SearchSql& sql,
    const history::HistoryFilter& filter,
    const std::vector<SearchTerm>& terms,
    std::int64_t queue_id,
    const std::vector<int>& states
);

/// Whether history::Matcher has to look at what they find.
bool needs_matcher(const history::HistoryFilter& filter);

/// A tsquery: rows with all of these words.
std::string word_query(const std::vector<SearchWord>& words);

}  // namespace tranter::postgres_jobs
