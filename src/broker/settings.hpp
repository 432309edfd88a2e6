#pragma once

#include "engine/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tranter::broker {

using Tags = std::map<std::string, std::string>;

/// Most bytes of tags, attributes and names together; more are refused with `limit_exceeded`. Well
/// below the smallest segment of a log, each of which may hold them.
inline constexpr std::size_t settings_bytes_max = 256U << 10U;

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

/// Of everything in them whose size is up to the user.
inline std::size_t settings_bytes(const QueueSettings& settings) {
    std::size_t bytes =
        settings.dead_letter_queue.size() + settings.copy_to.size() + settings.move_to.size();
    for (const auto* texts : {&settings.tags, &settings.attributes}) {
        for (const auto& [name, value] : *texts)
            bytes += name.size() + value.size();
    }
    return bytes;
}

}  // namespace tranter::broker
