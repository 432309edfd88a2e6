#pragma once

#include "base/uuid.hpp"
#include "engine/types.hpp"
#include "history/entry.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::providers {

/// Ids are random, so any eight bytes of one are a hash.
struct UuidHash {
    std::size_t operator()(const Uuid& id) const {
        struct Halves {
            std::uint64_t first = 0;
            std::uint64_t second = 0;
        };
        return std::bit_cast<Halves>(id).second;
    }
};

/// What a handler said while it ran.
struct RunningNotes {
    std::string progress{};  // JSON; empty: none
    history::LogLines log{};
};
/// Shared by the table and by history that waits to be written.
using RunningNotesPtr = std::shared_ptr<const RunningNotes>;

/// Progress and logs of jobs that are not finished, in memory: an entry only for jobs that have
/// some. Thread-safe.
class RunningJobs {
  public:
    /// Lines beyond `bytes_max` in all are counted as dropped.
    explicit RunningJobs(std::size_t bytes_max = std::size_t{256} << 20) : bytes_max_(bytes_max) {}

    void set_progress(const Uuid& id, std::string_view json);
    void append_log(const Uuid& id, std::span<const std::string> lines);
    /// Null when there is nothing.
    RunningNotesPtr find(const Uuid& id) const;
    /// The same, and forgets it.
    RunningNotesPtr take(const Uuid& id);

  private:
    struct Entry {
        std::shared_ptr<RunningNotes> notes{};
        bool is_read = false;   // by others, since they were made
        std::size_t bytes = 0;  // that count against the limit
    };
    /// With the mutex held: notes that nobody else reads.
    RunningNotes& writable(const Uuid& id);
    RunningNotesPtr look_up(const Uuid& id, bool forget);

    const std::size_t bytes_max_;
    std::atomic<std::size_t> entries_{0};  // so that jobs without notes take no lock
    mutable std::mutex mutex_;
    // guarded by mutex_
    std::unordered_map<Uuid, Entry, UuidHash> jobs_;
    std::size_t bytes_ = 0;
};

/// Who got the last delivery of each message of a queue. Names are kept once; a place per slot, so
/// that a receive costs a store and nothing is ever removed. Thread-safe.
class WorkerTable {
  public:
    /// For one call about many messages.
    class Access;

  private:
    /// Of messages in higher slots the worker is not kept.
    static constexpr std::size_t slots_max = std::size_t{1} << 20;
    /// Names are kept for ever, so a queue that sees ever new ones stops learning them.
    static constexpr std::size_t names_max = 10'000;

    struct Place {
        engine::Sequence sequence = 0;
        std::uint32_t name = 0;
        std::uint32_t delivery = 0;
    };
    mutable std::mutex mutex_;
    // guarded by mutex_
    std::vector<std::string> names_{""};
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::vector<Place> places_;
};

class WorkerTable::Access {
  public:
    explicit Access(WorkerTable& table) : table_(table), lock_(table.mutex_) {}

    std::uint32_t number_of(const std::string& name);
    void put(const engine::Receipt& receipt, std::uint32_t number);
    /// Last deliveries by name, from the slot on that `slot` says, `max` slots at most; it is then
    /// the next one. Whether there are more.
    struct Named {
        engine::Receipt receipt{};
        std::uint32_t number = 0;
    };
    bool collect(std::uint32_t& slot, std::size_t max, std::vector<Named>& out) const;
    /// Of a number that number_of() gave; 0 is nobody.
    const std::string& name_of(std::uint32_t number) const { return table_.names_[number]; }
    /// Empty when it is not known. Valid while the access lives.
    const std::string& name_of(std::uint32_t slot, engine::Sequence sequence) const;

  private:
    WorkerTable& table_;
    const std::lock_guard<std::mutex> lock_;
};

}  // namespace tranter::providers
