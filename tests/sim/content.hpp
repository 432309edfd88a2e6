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
    bool equals(const engine::Payload& payload) const;
    std::size_t bytes() const;
};

Content make_content(std::uint32_t token, std::uint32_t body_bytes, std::uint32_t deduplication);

}  // namespace tranter::sim
