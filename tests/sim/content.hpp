#pragma once

#include "engine/payload.hpp"

#include <cstdint>
#include <string>

namespace tranter::sim {

/// What one send carries. Everything follows from its token, so any delivery can be compared byte
/// by byte with what was sent.
struct Content {
    std::uint32_t token = 0;
    std::string body;
    std::string attributes;
    std::string system_attributes;
    std::string deduplication_id;
    std::string sender;
    engine::MessageId id{};
    engine::Md5 body_md5{};

    std::string name() const { return "m" + std::to_string(token); }
    engine::Payload payload() const;
    /// With the id that the message has, which is another's when it took another's place.
    bool equals(const engine::Payload& payload, const engine::MessageId& its_id) const;
    std::size_t bytes() const;
};

/// Which content this is, whatever its id.
std::uint32_t token_of(const engine::Payload& payload);
/// Which content had this id from the start.
std::uint32_t token_of(const engine::MessageId& id);

Content make_content(std::uint32_t token, std::uint32_t body_bytes, std::uint32_t deduplication);

}  // namespace tranter::sim
