#pragma once

#include "history/database.hpp"
#include "history/entry.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tranter::history {

/// Names of queues and types are numbers inside the file.
using NameId = std::int64_t;
/// The order of recording; see schema.cpp.
using Seq = std::int64_t;

/// How many sequence numbers make a span.
inline constexpr Seq span_length = 8192;

/// A row of the table tally.
struct TallyKey {
    std::int64_t minute = 0;
    NameId queue = 0;
    NameId type = 0;
    State state{};

    auto operator<=>(const TallyKey&) const = default;
};

struct Span {
    std::int64_t live = 0;
    // microseconds; may be wider than what is left
    std::int64_t finished_min = INT64_MAX;
    std::int64_t finished_max = INT64_MIN;
};

/// What one transaction does to the figures.
class Changes {
  public:
    void add(const TallyKey& key, Seq seq, std::int64_t finished);
    void subtract(const TallyKey& key, Seq seq);
    std::int64_t queue_delta(NameId queue) const;

  private:
    friend class Figures;
    std::map<TallyKey, std::int64_t> tally_;
    std::map<NameId, std::int64_t> queues_;
    std::map<std::int64_t, Span> spans_;
};

/// From the first to before the second.
using SeqRange = std::pair<Seq, Seq>;

/// How many entries there are of what, and where: small sums of the file, kept in memory for
/// planning. Thread-safe.
class Figures {
  public:
    void load(Database& database);
    /// Writes the changes to the file, inside the caller's transaction.
    void save(Database& database, const Changes& changes) const;
    /// After that transaction was committed.
    void apply(const Changes& changes);

    std::uint64_t entries() const;
    std::int64_t entries_of_queue(NameId queue) const;
    /// Nothing set: everything.
    struct Selector {
        std::optional<NameId> queue{};
        std::optional<NameId> type{};
        std::vector<State> states{};
    };
    /// Queue, type, state and how many.
    struct Kind {
        NameId queue = 0;
        NameId type = 0;
        State state{};
        std::uint64_t entries = 0;
    };
    std::vector<Kind> kinds(const Selector& selector) const;
    std::uint64_t entries(const Selector& selector) const;
    std::vector<NameId> queues_above(std::int64_t entries_max) const;

    /// All entries that finished in [from, before) have these sequence numbers.
    SeqRange seqs_between(std::int64_t from, std::int64_t before) const;
    /// A span that may hold something older.
    std::optional<std::int64_t> find_span_before(std::int64_t cutoff) const;
    std::int64_t live_between(Seq first, Seq last) const;
    /// The earliest time that is left in a span turned out to be this.
    void narrow_span(std::int64_t span, std::int64_t finished_min);

  private:
    using KindKey = std::pair<std::pair<NameId, NameId>, State>;

    mutable std::mutex mutex_;
    // guarded by mutex_
    std::map<KindKey, std::int64_t> kinds_;
    std::map<NameId, std::int64_t> queues_;
    std::map<std::int64_t, Span> spans_;
};

/// Ids of entries that are not in entry_id yet. Thread-safe.
class RecentIds {
  public:
    void load(Database& database);
    void put(std::string_view id, Seq seq);
    std::optional<Seq> find(std::string_view id) const;
    /// Unless the id has another entry by now.
    void erase(std::string_view id, Seq seq);
    std::size_t size() const;

  private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Seq> ids_;  // guarded by mutex_
};

}  // namespace tranter::history
