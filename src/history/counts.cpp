#include "history/rows.hpp"
#include "history/sqlite_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace tranter::history {
namespace {

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
    const std::int64_t rest = value % step;
    return value - (rest < 0 ? rest + step : rest);
}

std::optional<NameId> find_name(Database& database, const std::string& name) {
    const StatementUse row = database.use("SELECT id FROM name WHERE text=?1");
    row->bind(1, name);
    if (!row->step()) return std::nullopt;
    return row->integer(0);
}

/// Adds up tallies in the shape that was asked for.
class Sums {
  public:
    explicit Sums(const CountRequest& request)
        : request_(request), width_(std::max<std::int64_t>(request.bucket.count(), 0)) {}

    void add(const TallyKey& key, std::uint64_t entries) {
        sums_[{
            width_ > 0 ? floor_to(key.minute, width_) : 0,
            request_.by_queue ? key.queue : 0,
            request_.by_type ? key.type : 0,
            request_.by_state ? static_cast<int>(key.state) : 0}] += entries;
    }

    std::vector<CountRow> rows(Database& database) const {
        std::vector<CountRow> rows;
        for (const auto& [key, entries] : sums_) {
            const auto& [minute, queue, type, state] = key;
            CountRow row;
            row.bucket = Instant(Duration(minute * micros_per_minute));
            if (request_.by_queue) row.queue = name_of(database, queue);
            if (request_.by_type) row.type = name_of(database, type);
            if (request_.by_state) row.state = static_cast<State>(state);
            row.entries = entries;
            rows.push_back(std::move(row));
        }
        std::ranges::sort(rows, {}, [](const CountRow& row) {
            return std::tie(row.bucket, row.queue, row.type, row.state);
        });
        return rows;
    }

  private:
    static std::string name_of(Database& database, NameId id) {
        const StatementUse row = database.use("SELECT text FROM name WHERE id=?1");
        row->bind(1, id);
        return row->step() ? std::string(row->text(0)) : std::string{};
    }

    const CountRequest& request_;
    std::int64_t width_;
    std::map<std::tuple<std::int64_t, NameId, NameId, int>, std::uint64_t> sums_;
};

bool wants_state(const CountRequest& request, State state) {
    return request.states.empty() || std::ranges::count(request.states, state) > 0;
}

}  // namespace

std::vector<CountRow> count_entries(
    Database& database, const Figures& figures, const CountRequest& request
) {
    Figures::Selector selector;
    selector.states = request.states;
    if (request.queue) {
        selector.queue = find_name(database, *request.queue);
        if (!selector.queue) return {};
    }
    if (request.type) {
        selector.type = find_name(database, *request.type);
        if (!selector.type) return {};
    }
    Sums sums(request);
    if (!request.finished_from && !request.finished_before && request.bucket.count() <= 0) {
        for (const Figures::Kind& kind : figures.kinds(selector))
            sums.add({0, kind.queue, kind.type, kind.state}, kind.entries);
        return sums.rows(database);
    }
    const StatementUse row = database.use(
        "SELECT minute, queue, type, state, entries FROM tally WHERE minute>=?1 AND minute<?2"
    );
    const auto minute = [](const std::optional<Instant>& when, std::int64_t otherwise) {
        if (!when) return otherwise;
        return floor_to(micros(*when), micros_per_minute) / micros_per_minute;
    };
    row->bind(1, minute(request.finished_from, INT64_MIN));
    row->bind(2, minute(request.finished_before, INT64_MAX));
    while (row->step()) {
        const TallyKey key{
            row->integer(0), row->integer(1), row->integer(2), static_cast<State>(row->integer(3))};
        if (selector.queue && *selector.queue != key.queue) continue;
        if (selector.type && *selector.type != key.type) continue;
        if (!wants_state(request, key.state)) continue;
        sums.add(key, static_cast<std::uint64_t>(row->integer(4)));
    }
    return sums.rows(database);
}

}  // namespace tranter::history
