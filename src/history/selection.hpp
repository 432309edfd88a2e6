#pragma once

#include "history/database.hpp"
#include "history/figures.hpp"
#include "history/filter.hpp"
#include "history/text.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tranter::history {

/// The entries of a filter, newest first, found by the cheapest of these ways:
///
///     queue or type     the index of the one with fewer entries, once per state, merged
///     state             the same
///     words, group, tags, when that leaves more than a few thousand entries: what is not indexed
///                       yet is read, then one text index after the other, newest first
///     otherwise         the entries themselves
///
/// Values only ever travel as parameters: the SQL consists of texts in selection.cpp. Must be used
/// inside one transaction. Throws DatabaseError.
class Selection {
  public:
    Selection(
        Database& database,
        const Tokenizer& tokenizer,
        const Figures& figures,
        const HistoryFilter& filter
    );

    /// Rows of `columns` (of `entry e`, seq first) with seq < `before`, `rows_max` at most.
    /// `visit` says whether to go on.
    using Visit = std::function<bool(const Statement& row)>;
    void run(std::string_view columns, Seq before, std::size_t rows_max, const Visit& visit);

  private:
    using Value =
        std::variant<std::int64_t, std::string_view, const ArgumentTerm*, const TextSearch*>;

    /// The text of a new parameter with that value.
    std::string parameter(Value value);
    void add_conditions();
    bool find_names();
    std::optional<NameId> find_name(std::string_view name);
    std::string states_condition() const;
    std::string text_condition();

    bool by_text() const;
    std::string sql_by_kind(std::string_view columns);
    std::string sql_by_entry(std::string_view columns);
    /// Steps one statement; whether to go on with the next.
    bool visit_rows(const std::string& sql, SeqRange range, const Visit& visit);
    void run_by_text(std::string_view columns, Seq before, const Visit& visit);

    Database& database_;
    const Figures& figures_;
    const HistoryFilter& filter_;
    TextSearch search_;
    std::vector<Value> values_;
    std::string conditions_;
    Figures::Selector selector_;
    SeqRange range_{0, INT64_MAX};
    bool nothing_ = false;  // no entry can match
    std::size_t rows_left_ = 0;
};

}  // namespace tranter::history
