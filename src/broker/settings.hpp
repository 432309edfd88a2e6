#pragma once

#include "engine/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tranter::broker {

using Tags = std::map<std::string, std::string>;

/// Everything about a queue that an owner can set. The broker acts on `engine`, `receive_wait`,
/// `max_message_bytes`, `bytes_max` and the dead-letter link; the rest it only keeps.
struct QueueSettings {
    engine::QueuePolicy engine{};
    Duration receive_wait{};
    std::uint32_t max_message_bytes = 1'048'576;
    /// Of payloads held; a send that would exceed it is refused, a message moved in never is. 0: no
    /// limit.
    std::uint64_t bytes_max = 0;
    bool content_based_deduplication = false;
    /// Name of the dead-letter queue; the deliveries before it are engine.max_receives.
    std::string dead_letter_queue{};
    std::string copy_to{};  // every accepted message is also sent to this queue
    std::string move_to{};  // messages are stored in this queue instead
    Tags tags{};
    /// Attributes of the front end that the broker does not interpret, by wire name (Policy,
    /// RedriveAllowPolicy, KmsMasterKeyId, ...).
    std::map<std::string, std::string> attributes{};

    bool operator==(const QueueSettings&) const = default;
};

}  // namespace tranter::broker
