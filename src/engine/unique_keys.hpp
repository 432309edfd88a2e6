#pragma once

#include "base/time.hpp"
#include "engine/deduplication.hpp"
#include "engine/extras.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::engine {

/// Who holds which unique key: the messages that are here, and throttles, which outlive them.
class UniqueKeys {
  public:
    explicit UniqueKeys(ExtrasTable& extras) : extras_(extras) {}

    /// The message, whose extras name its key, is the newest that holds it.
    void add(Slot slot);
    void remove(Slot slot);
    /// What the messages with one key are up to.
    struct Key {
        Slot newest = no_slot;  // from which Extras::older leads to the others
        std::uint32_t in_flight = 0;
        std::uint32_t yielding = 0;  // those with Extras::yields
        std::uint32_t held = 0;      // of those, State::held
    };
    /// Null when no message has it. The counts of flights and of held ones are the caller's.
    Key* find(std::string_view key);
    const Key* find(std::string_view key) const;
    Slot newest(std::string_view key) const;

    /// What a throttle goes back to, and since when.
    struct Throttle {
        Deduplication::Entry first{};
        Instant at{};
        Duration lasts{};
    };
    const Throttle* find_throttle(std::string_view key) const;
    /// No effect when there is one already.
    void add_throttle(std::string key, const Throttle& throttle);
    /// Ends the throttles that are over.
    void expire(Instant now);
    std::optional<Instant> next_expiry() const;
    /// Every throttle, in no particular order, appended to `all`.
    void append_to(std::vector<StoredDeduplication>& all) const;

    std::size_t throttles() const { return throttles_.size(); }
    std::uint64_t throttle_key_bytes() const { return key_bytes_; }
    std::size_t keys_held() const { return keys_.size(); }
    /// Forgets everything. The extras may be gone already.
    void clear();

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    struct Ending {
        Instant at{};
        std::string_view key;  // lives in throttles_
        bool operator>(const Ending& other) const { return at > other.at; }
    };

    ExtrasTable& extras_;
    std::unordered_map<std::string_view, Key> keys_;  // named by the extras of the newest
    std::unordered_map<std::string, Throttle, Hash, std::equal_to<>> throttles_;
    std::priority_queue<Ending, std::vector<Ending>, std::greater<>> endings_;
    std::uint64_t key_bytes_ = 0;
};

}  // namespace tranter::engine
