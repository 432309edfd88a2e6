#pragma once

#include "base/time.hpp"
#include "history/database.hpp"
#include "history/entry.hpp"
#include "history/figures.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// Adds and removes entries on the writing connection. Every function is one transaction; when it
/// throws DatabaseError nothing has changed. One thread at a time.
class Recorder {
  public:
    struct Limits {
        std::int64_t entries_per_queue_max = 0;
        /// 0: none.
        Duration age_max{0};
    };

    Recorder(Database& database, Figures& figures, RecentIds& recent, Limits limits);

    /// Reads from the file what it keeps in memory: at first, and after a failure.
    void load();

    void put(std::span<const JobEntry> entries);
    /// Entries that are gone already do not count.
    std::uint64_t remove(std::span<const Seq> seqs);
    /// Whether there was one with that id.
    bool remove(std::string_view id);
    /// Up to `entries_max` of what exceeds a bound. Whether it found that many.
    bool trim(Instant now, std::size_t entries_max);

  private:
    struct Removed {
        Seq seq = 0;
        std::string id;
    };
    /// One transaction and what it will mean for the figures once committed.
    struct Work;

    void put_one(Work& work, const JobEntry& entry);
    std::optional<Seq> find_seq(std::string_view id);
    bool is_newer(const JobEntry& entry, Seq than);
    bool remove_one(Work& work, Seq seq);
    void trim_queue(Work& work, NameId queue, std::size_t entries_max);
    void trim_age(Work& work, std::int64_t cutoff, std::size_t entries_max);
    std::vector<Seq> oldest_of(NameId queue, std::size_t entries_max);
    NameId name_id(std::string_view name);
    void finish(Work& work);

    Database& database_;
    Figures& figures_;
    RecentIds& recent_;
    const Limits limits_;
    std::map<std::string, NameId, std::less<>> names_;
    Seq next_seq_ = 1;
};

}  // namespace tranter::history
