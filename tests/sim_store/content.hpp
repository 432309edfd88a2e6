#pragma once

#include "engine/payload.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::store_sim {

using Token = std::uint32_t;

/// What the send of this token carries: everything follows from the token, so any delivery can be
/// compared byte by byte with what was sent, after any number of crashes.
struct Content {
    std::string body{};
    std::string attributes{};
    std::string system_attributes{};
    std::string sender{};
    engine::MessageId id{};
    engine::Md5 body_md5{};
};

Content content_of(Token token, std::uint32_t body_bytes_max);
engine::Payload payload_of(
    Token token, std::uint32_t body_bytes_max, std::string_view deduplication_id
);
/// Which message a body belongs to; nothing when it belongs to none.
std::optional<Token> token_of(const engine::Payload& payload);
/// All parts equal; `moved` messages have another id and de-duplication id.
bool is_intact(const engine::Payload& payload, std::uint32_t body_bytes_max, bool moved);
std::string name_of(Token token);

}  // namespace tranter::store_sim
