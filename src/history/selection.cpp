#include "history/selection.hpp"

#include "history/rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::history {
namespace {

/// So many entries are compared one by one before a text index is asked: a few milliseconds.
constexpr std::uint64_t read_max = 5000;

// Every statement has these three; what a filter adds follows.
constexpr int first_parameter = 4;
constexpr std::string_view in_range = "e.seq<?1 AND e.seq>=?2";
constexpr std::string_view newest = " ORDER BY e.seq DESC LIMIT ?3";

}  // namespace

Selection::Selection(
    Database& database,
    const Tokenizer& tokenizer,
    const Figures& figures,
    const HistoryFilter& filter
)
    : database_(database), figures_(figures), filter_(filter), search_(filter, tokenizer) {
    selector_.states = filter.states;
    nothing_ = !find_names();
    if (filter.finished_from || filter.finished_before) {
        range_ = figures.seqs_between(
            filter.finished_from ? micros(*filter.finished_from) : INT64_MIN,
            filter.finished_before ? micros(*filter.finished_before) : INT64_MAX
        );
    }
    if (!nothing_) add_conditions();
}

void Selection::run(
    std::string_view columns, Seq before, std::size_t rows_max, const Visit& visit
) {
    before = std::min(before, range_.second);
    if (nothing_ || range_.first >= before) return;
    rows_left_ = rows_max;
    if (by_text()) return run_by_text(columns, before, visit);
    std::string sql;
    if (selector_.queue || selector_.type || !filter_.states.empty()) {
        sql = sql_by_kind(columns);
    } else {
        sql = sql_by_entry(columns);
    }
    visit_rows(sql, {range_.first, before}, visit);
}

std::string Selection::parameter(Value value) {
    values_.push_back(value);
    return fmt::format("?{}", first_parameter + static_cast<int>(values_.size()) - 1);
}

std::optional<NameId> Selection::find_name(std::string_view name) {
    const StatementUse row = database_.use("SELECT id FROM name WHERE text=?1");
    row->bind(1, name);
    if (!row->step()) return std::nullopt;
    return row->integer(0);
}

bool Selection::find_names() {
    if (filter_.queue) {
        selector_.queue = find_name(*filter_.queue);
        if (!selector_.queue) return false;
    }
    if (filter_.type) {
        selector_.type = find_name(*filter_.type);
        if (!selector_.type) return false;
    }
    return true;
}

void Selection::add_conditions() {
    const auto add = [this](std::string_view left, Value value) {
        conditions_ += fmt::format(" AND {}{}", left, parameter(value));
    };
    // The plus keeps SQLite from preferring another index to the one that was chosen.
    if (selector_.queue) add("+e.queue=", *selector_.queue);
    if (selector_.type) add("+e.type=", *selector_.type);
    if (filter_.group) add("e.job_group=", std::string_view(*filter_.group));
    if (filter_.finished_from) add("e.finished>=", micros(*filter_.finished_from));
    if (filter_.finished_before) add("e.finished<", micros(*filter_.finished_before));
    for (const std::string& tag : filter_.tags) {
        conditions_ +=
            fmt::format(" AND history_tag({}, e.tags)", parameter(std::string_view(tag)));
    }
    for (const ArgumentTerm& term : filter_.arguments)
        conditions_ += fmt::format(" AND history_argument({}, e.payload)", parameter(&term));
}

std::string Selection::states_condition() const {
    if (filter_.states.empty()) return {};
    std::vector<int> states;
    for (const State state : filter_.states)
        states.push_back(static_cast<int>(state));
    return fmt::format(" AND +e.state IN ({})", fmt::join(states, ","));
}

std::string Selection::text_condition() {
    if (search_.has_no_texts()) return {};
    return fmt::format(
        " AND history_text({}, e.payload, e.result, e.errors,"
        " CASE WHEN e.has_log THEN (SELECT lines FROM entry_log l WHERE l.seq=e.seq) END)",
        parameter(&search_)
    );
}

bool Selection::by_text() const {
    if (search_.empty()) return false;
    return figures_.entries(selector_) > read_max;
}

std::string Selection::sql_by_kind(std::string_view columns) {
    const Figures::Selector only_queue{.queue = selector_.queue};
    const Figures::Selector only_type{.type = selector_.type};
    std::string source = "entry_by_state WHERE ";
    if (selector_.queue &&
        (!selector_.type || figures_.entries(only_queue) <= figures_.entries(only_type))) {
        source = fmt::format("entry_by_queue WHERE e.queue={} AND ", parameter(*selector_.queue));
    } else if (selector_.type) {
        source = fmt::format("entry_by_type WHERE e.type={} AND ", parameter(*selector_.type));
    }
    const std::string rest = conditions_ + text_condition();
    std::vector<std::string> parts;
    for (const State state : all_states) {
        if (!filter_.states.empty() && std::ranges::count(filter_.states, state) == 0) continue;
        parts.push_back(fmt::format(
            "SELECT * FROM (SELECT e.seq FROM entry e INDEXED BY {}e.state={} AND {}{}{})",
            source,
            static_cast<int>(state),
            in_range,
            rest,
            newest
        ));
    }
    return fmt::format(
        "SELECT {} FROM entry e WHERE e.seq IN ({}){}",
        columns,
        fmt::join(parts, " UNION ALL "),
        newest
    );
}

std::string Selection::sql_by_entry(std::string_view columns) {
    return fmt::format(
        "SELECT {} FROM entry e WHERE {}{}{}{}{}",
        columns,
        in_range,
        conditions_,
        states_condition(),
        text_condition(),
        newest
    );
}

bool Selection::visit_rows(const std::string& sql, SeqRange range, const Visit& visit) {
    if (range.first >= range.second) return true;
    Statement statement(database_.handle(), sql);
    statement.bind(1, range.second).bind(2, range.first);
    statement.bind(3, static_cast<std::int64_t>(rows_left_));
    int next = first_parameter;
    for (const Value& value : values_) {
        if (next > statement.parameters()) break;
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            statement.bind(next, *number);
        } else if (const auto* text = std::get_if<std::string_view>(&value)) {
            statement.bind(next, *text);
        } else if (const auto* term = std::get_if<const ArgumentTerm*>(&value)) {
            statement.bind_pointer(next, const_cast<ArgumentTerm*>(*term), argument_term_tag);
        } else {
            auto* search = const_cast<TextSearch*>(std::get<const TextSearch*>(value));
            statement.bind_pointer(next, search, text_search_tag);
        }
        ++next;
    }
    while (statement.step()) {
        --rows_left_;
        if (!visit(statement)) return false;
    }
    return rows_left_ > 0;
}

void Selection::run_by_text(std::string_view columns, Seq before, const Visit& visit) {
    const std::string expression = search_.match_expression();
    const std::string match = parameter(std::string_view(expression));
    const Seq indexed_to = database_.integer("SELECT value FROM state WHERE key='indexed_to'");
    if (!visit_rows(
            sql_by_entry(columns), {std::max(range_.first, indexed_to + 1), before}, visit
        )) {
        return;
    }
    std::vector<std::pair<std::int64_t, SeqRange>> indexes;
    {
        const StatementUse row =
            database_.use("SELECT id, first, last FROM text_index ORDER BY first DESC");
        while (row->step())
            indexes.push_back({row->integer(0), {row->integer(1), row->integer(2) + 1}});
    }
    for (const auto& [id, covered] : indexes) {
        const SeqRange range{
            std::max(covered.first, range_.first),
            std::min({covered.second, before, indexed_to + 1})};
        const std::string sql = fmt::format(
            "SELECT {0} FROM text_{1} f CROSS JOIN entry e ON e.seq=f.rowid"
            " WHERE text_{1} MATCH {2} AND f.rowid<?1 AND f.rowid>=?2{3}{4}"
            " ORDER BY f.rowid DESC LIMIT ?3",
            columns,
            id,
            match,
            conditions_,
            states_condition()
        );
        if (!visit_rows(sql, range, visit)) return;
    }
}

}  // namespace tranter::history
