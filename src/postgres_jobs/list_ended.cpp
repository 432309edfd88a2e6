#include "postgres_jobs/list_ended.hpp"

#include "postgres_jobs/job_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using postgres::Parameter;

/// Looked at before the index of words is: what many jobs match is found among the newest.
constexpr std::size_t window_rows = 2'000;

constexpr postgres::Statement periods_from(R"sql(
    SELECT period, indexed_at IS NOT NULL FROM tranter.periods
    WHERE period <= $1::bigint ORDER BY period DESC)sql");

constexpr postgres::Statement queue_by_name("SELECT id FROM tranter.queues WHERE name = $1");

std::int64_t micros_of(Instant when) {
    return when.time_since_epoch().count();
}

/// `timestamptz 'epoch' + $1 ...`
std::string moment(SearchSql& sql, std::int64_t micros) {
    return fmt::format(
        "timestamptz 'epoch' + {}::bigint * interval '1 microsecond'",
        sql.parameter(fmt::format("{}", micros))
    );
}

/// Of `alias`: what comes after `key`, and within the times of the filter.
std::string time_conditions(
    SearchSql& sql,
    std::string_view alias,
    const std::optional<EndKey>& key,
    const history::HistoryFilter& filter
) {
    std::string out;
    if (key) {
        const std::string at = moment(sql, key->micros);
        out += fmt::format(
            " AND ({0}.finished_at, {0}.id) < ({1}, {2}::uuid)", alias, at, sql.parameter(key->id)
        );
    }
    if (filter.finished_from) {
        out += fmt::format(
            " AND {}.finished_at >= {}", alias, moment(sql, micros_of(*filter.finished_from))
        );
    }
    if (filter.finished_before) {
        out += fmt::format(
            " AND {}.finished_at < {}", alias, moment(sql, micros_of(*filter.finished_before))
        );
    }
    return out;
}

constexpr std::string_view newest_first = " ORDER BY {0}.finished_at DESC, {0}.id DESC LIMIT {1}";

/// Rows that were looked at, newest first, each with whether it is shown.
struct Looked {
    JobRecord record{};
    EndKey key{};
    bool is_shown = false;
};

Looked look_at(Listing& listing, const postgres::Rows& rows, std::size_t row) {
    Looked looked{.record = read_record(rows, row)};
    looked.key = {
        .micros = looked.record.finished_at.value_or(TimePoint{}).time_since_epoch().count(),
        .id = looked.record.id};
    looked.is_shown = listing.matches(looked.record);
    return looked;
}

/// Jobs of the history.
class EndedJobs {
  public:
    EndedJobs(Listing& listing, std::int64_t queue_id) : listing_(listing), queue_id_(queue_id) {
        const auto& states = listing.query.filter.states;
        const bool any = states.empty() && listing.query.open_states.empty();
        for (const JobState state : {JobState::completed, JobState::dead, JobState::cancelled}) {
            if (!any && wants(listing.query, state)) states_.push_back(static_cast<int>(state));
        }
        if (!any && states_.empty()) return;
        const std::array<Parameter, 1> parameters{fmt::format("{}", listing.place.period)};
        const auto rows = listing.connection.execute(periods_from, parameters);
        for (std::size_t row = 0; row < rows.size(); ++row)
            periods_.push_back({rows.integer(row, 0), rows.boolean(row, 1)});
        key_ = listing.place.ended;
    }

    /// The next one; null: there is none.
    const Looked* head() {
        while (looked_.empty() && !periods_.empty() && !listing_.is_full())
            read_more();
        return looked_.empty() ? nullptr : &looked_.front();
    }
    bool may_have_more() const { return !looked_.empty() || !periods_.empty(); }
    Looked take() {
        Looked first = std::move(looked_.front());
        looked_.pop_front();
        listing_.place.period = period_;
        listing_.place.ended = first.key;
        return first;
    }
    /// All that was looked at is behind the place.
    void pass() {
        if (periods_.empty()) return;
        listing_.place.period = periods_.front().number;
        listing_.place.ended = key_;
    }

  private:
    struct Period {
        std::int64_t number = 0;
        bool is_indexed = false;
    };

    void read_more() {
        const Period period = periods_.front();
        const std::size_t asked = listing_.chunk();
        const auto rows = rows_of(period, asked);
        period_ = period.number;
        for (std::size_t row = 0; row < rows.size(); ++row)
            looked_.push_back(look_at(listing_, rows, row));
        if (rows.size() > 0) key_ = looked_.back().key;
        if (rows.size() < asked) {
            periods_.pop_front();
            key_.reset();
        }
    }

    postgres::Rows rows_of(const Period& period, std::size_t rows_max) {
        const history::HistoryFilter& filter = listing_.query.filter;
        // What stands in the order of an index anyway.
        const bool is_ordered = !filter.type && !filter.group && filter.tags.empty() &&
                                listing_.terms.empty() && states_.empty();
        if (!period.is_indexed || is_ordered) return plain_rows(period, rows_max, false);
        if (is_dense_) {
            auto rows = plain_rows(period, rows_max, true);
            is_dense_ = rows.size() == rows_max;
            if (is_dense_) return rows;
        }
        return indexed_rows(period, rows_max);
    }

    std::string state_condition(std::string_view alias) const {
        if (states_.empty()) return {};
        std::string list;
        for (const int state : states_)
            list += fmt::format("{}{}", list.empty() ? "" : ", ", state);
        return fmt::format(" AND {}.state IN ({})", alias, list);
    }

    postgres::Rows plain_rows(const Period& period, std::size_t rows_max, bool is_window) {
        SearchSql sql;
        const auto& filter = listing_.query.filter;
        const std::string_view alias = is_window ? "f" : "j";
        std::string from = fmt::format("{}.period = {}", alias, period.number);
        if (queue_id_ != 0) from += fmt::format(" AND {}.queue_id = {}", alias, queue_id_);
        from += time_conditions(sql, alias, key_, filter);
        const std::string others =
            state_condition("j") + plain_conditions(sql, filter, listing_.terms, true);
        std::string table = fmt::format("tranter.finished_jobs j WHERE {}{}", from, others);
        if (is_window) {
            table = fmt::format(
                "(SELECT * FROM tranter.finished_jobs f WHERE {}{}) j WHERE true{}",
                from,
                fmt::format(newest_first, "f", window_rows),
                others
            );
        }
        return run(sql, table, rows_max);
    }

    postgres::Rows indexed_rows(const Period& period, std::size_t rows_max) {
        SearchSql sql;
        const auto& filter = listing_.query.filter;
        const std::string times = time_conditions(sql, "f", key_, filter);
        const std::string words =
            indexed_conditions(sql, filter, listing_.terms, queue_id_, states_);
        // OFFSET 0 keeps the planner from walking through the whole period in its order.
        return run(
            sql,
            fmt::format(
                "(SELECT * FROM tranter.finished_jobs f WHERE f.period = {}{}{} OFFSET 0) j",
                period.number,
                times,
                words
            ),
            rows_max
        );
    }

    postgres::Rows run(SearchSql& sql, const std::string& table, std::size_t rows_max) {
        sql.text = fmt::format("SELECT {} FROM {}", ended_columns, table);
        sql.text += fmt::format(newest_first, "j", rows_max);
        return listing_.connection.query(sql.text.c_str(), sql.parameters);
    }

    Listing& listing_;
    const std::int64_t queue_id_;  // 0: all
    std::vector<int> states_{};    // empty: all
    std::deque<Period> periods_{};
    std::deque<Looked> looked_{};
    std::optional<EndKey> key_{};  // of the last row of periods_.front()
    std::int64_t period_ = 0;      // of looked_
    bool is_dense_ = true;
};

/// Dead letters, of all queues or of one.
class DeadLetters {
  public:
    DeadLetters(Listing& listing, std::int64_t queue_id)
        : listing_(listing),
          queue_id_(queue_id),
          has_more_(wants(listing.query, JobState::dead)),
          key_(listing.place.dead) {}

    const Looked* head() {
        while (looked_.empty() && has_more_ && !listing_.is_full())
            read_more();
        return looked_.empty() ? nullptr : &looked_.front();
    }
    bool may_have_more() const { return !looked_.empty() || has_more_; }
    Looked take() {
        Looked first = std::move(looked_.front());
        looked_.pop_front();
        listing_.place.dead = first.key;
        return first;
    }
    void pass() { listing_.place.dead = key_; }

  private:
    void read_more() {
        const std::size_t asked = listing_.chunk();
        SearchSql sql;
        const auto& filter = listing_.query.filter;
        const std::string conditions = time_conditions(sql, "j", key_, filter) +
                                       plain_conditions(sql, filter, listing_.terms, false);
        // One queue after the other, as the index has them.
        sql.text = fmt::format(
            "SELECT d.* FROM tranter.queues o CROSS JOIN LATERAL (SELECT {}, j.finished_at AS at, "
            "j.id AS key FROM tranter.jobs j {} WHERE j.home_id = o.id AND j.state <> 2{}{}) d{} "
            "ORDER BY d.at DESC, d.key DESC LIMIT {}",
            live_columns,
            live_tables,
            conditions,
            fmt::format(newest_first, "j", asked),
            queue_id_ == 0 ? "" : fmt::format(" WHERE o.id = {}", queue_id_),
            asked
        );
        const auto rows = listing_.connection.query(sql.text.c_str(), sql.parameters);
        for (std::size_t row = 0; row < rows.size(); ++row)
            looked_.push_back(look_at(listing_, rows, row));
        if (rows.size() > 0) key_ = looked_.back().key;
        has_more_ = rows.size() == asked;
    }

    Listing& listing_;
    const std::int64_t queue_id_;  // 0: all
    bool has_more_;
    std::deque<Looked> looked_{};
    std::optional<EndKey> key_{};
};

/// 0: all; nothing: there is no such queue.
std::optional<std::int64_t> queue_of(Listing& listing) {
    const auto& name = listing.query.filter.queue;
    if (!name) return 0;
    const auto rows = listing.connection.execute(queue_by_name, std::array<Parameter, 1>{*name});
    if (rows.empty()) return std::nullopt;
    return rows.integer(0, 0);
}

}  // namespace

bool read_ended(Listing& listing) {
    const auto queue_id = queue_of(listing);
    if (!queue_id) return false;
    EndedJobs ended(listing, *queue_id);
    DeadLetters dead(listing, *queue_id);
    while (true) {
        const Looked* const next_dead = dead.head();
        const Looked* const next_ended = ended.head();
        if (next_dead == nullptr && next_ended == nullptr) break;
        // What one of both has is only newest when the other one could be asked.
        const bool is_sure = (next_dead != nullptr || !dead.may_have_more()) &&
                             (next_ended != nullptr || !ended.may_have_more());
        if (!is_sure) return true;
        const bool takes_dead =
            next_ended == nullptr || (next_dead != nullptr && next_ended->key < next_dead->key);
        Looked next = takes_dead ? dead.take() : ended.take();
        if (next.is_shown) listing.add(std::move(next.record));
        if (listing.has_room()) continue;
        return ended.may_have_more() || dead.may_have_more();
    }
    dead.pass();
    ended.pass();
    return ended.may_have_more() || dead.may_have_more();
}

}  // namespace tranter::postgres_jobs
