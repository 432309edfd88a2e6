#pragma once

#include "broker/broker.hpp"
#include "broker/journal.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"
#include "log/position.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::broker {

/// A message that could not go back to its slot.
struct MovedSlot {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
};

/// One queue as it was stored.
struct RestoredQueue {
    QueueId id = 0;
    std::string name{};
    std::shared_ptr<const QueueSettings> settings{};
    Instant created{};
    Instant modified{};
    std::optional<Instant> purged{};
    engine::Sequence last_sequence = 0;
    std::vector<engine::Stored> messages{};
    std::vector<engine::StoredDeduplication> deduplication{};
    /// Messages of a batch whose end is not in the log. The log must learn that they are gone
    /// before anything else of the queue is written.
    std::vector<MovedSlot> dropped{};
    log::SegmentNumber described_in = 0;  // segment of its newest image
};

struct RestoredTask {
    MoveTask task{};  // without the name of its source
    QueueId source = 0;
    Position position = 0;  // of its newest record
};

/// What a broker begins with.
struct Restored {
    std::vector<RestoredQueue> queues{};
    std::vector<RestoredTask> tasks{};  // in order of start
    std::map<std::string, Instant> deleted{};
    QueueId last_queue = 0;  // no queue had a higher number
};

}  // namespace tranter::broker
