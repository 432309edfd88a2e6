#include "content.hpp"

namespace tranter::sim {

engine::Payload Content::payload() const {
    return engine::Payload::make({
        .body = body,
        .attributes = attributes,
        .system_attributes = system_attributes,
        .deduplication_id = deduplication_id,
        .sender = sender,
        .id = id,
        .body_md5 = body_md5,
    });
}

std::uint32_t token_of(const engine::MessageId& id) {
    std::uint32_t token = 0;
    for (unsigned i = 0; i < 4; ++i)
        token |= static_cast<std::uint32_t>(id[i] ^ i) << (i * 8);
    return token;
}

std::uint32_t token_of(const engine::Payload& payload) {
    engine::MessageId id{};
    for (std::size_t i = 0; i < id.size(); ++i)
        id[i] = static_cast<std::uint8_t>(payload.body_md5()[i] - 128);
    return token_of(id);
}

bool Content::equals(const engine::Payload& payload, const engine::MessageId& its_id) const {
    return payload && payload.body() == body && payload.attributes() == attributes &&
           payload.system_attributes() == system_attributes &&
           payload.deduplication_id() == deduplication_id && payload.sender() == sender &&
           payload.id() == its_id && payload.body_md5() == body_md5;
}

std::size_t Content::bytes() const {
    return body.size() + attributes.size() + system_attributes.size() + deduplication_id.size() +
           sender.size();
}

Content make_content(std::uint32_t token, std::uint32_t body_bytes, std::uint32_t deduplication) {
    Content content;
    content.token = token;
    content.body = "m" + std::to_string(token);
    while (content.body.size() < body_bytes) {
        content.body.push_back(static_cast<char>((token * 31 + content.body.size() * 7) % 256));
    }
    // Each part is empty for some tokens, so that their borders are tried too.
    if (token % 3 == 0) content.attributes = "a" + std::to_string(token % 17);
    if (token % 5 == 0) content.system_attributes = "trace" + std::to_string(token);
    if (token % 2 == 0) content.sender = "sender";
    if (deduplication != 0) content.deduplication_id = "d" + std::to_string(deduplication);
    for (std::size_t i = 0; i < content.id.size(); ++i) {
        content.id[i] =
            static_cast<std::uint8_t>(token >> (i % 4 * 8)) ^ static_cast<std::uint8_t>(i);
        content.body_md5[i] = static_cast<std::uint8_t>(content.id[i] + 128);
    }
    return content;
}

}  // namespace tranter::sim
