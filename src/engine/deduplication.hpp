#pragma once

#include "base/time.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::engine {

/// Which de-duplication ids were accepted, and as which message, from the first accepted send until
/// the window ends, whatever happens to the message in between (SQS_SPEC 11.5).
class Deduplication {
  public:
    struct Entry {
        MessageId id{};
        Sequence sequence = 0;
        std::uint32_t slot = 0;
    };

    /// Scope `queue` leaves the group empty.
    static std::string key(std::string_view group, std::string_view id);

    const Entry* find(std::string_view key) const;
    /// No effect when the key is known. Calls come in order of time.
    void insert(std::string key, const Entry& entry, Instant now);
    /// Forgets what was accepted a whole window ago.
    void expire(Duration window, Instant now);
    std::optional<Instant> oldest() const;
    /// Everything known, in order of time.
    std::vector<StoredDeduplication> stored() const;
    void clear();
    std::size_t size() const { return entries_.size(); }
    std::uint64_t key_bytes() const { return key_bytes_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
    struct Accepted {
        Instant at{};
        std::string_view key;  // lives in entries_
    };

    Entries entries_;
    std::deque<Accepted> order_;
    std::uint64_t key_bytes_ = 0;
};

}  // namespace tranter::engine
