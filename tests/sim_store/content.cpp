#include "content.hpp"

#include "choices.hpp"

#include <charconv>

namespace tranter::store_sim {

std::string name_of(Token token) {
    return "m" + std::to_string(token);
}

Content content_of(Token token, std::uint32_t body_bytes_max) {
    sim::SeededChoices choices(token);
    Content content;
    content.body = name_of(token) + ".";
    const std::uint64_t bytes =
        choices.percent(80) ? choices.below(64) : choices.below(body_bytes_max + 1);
    while (content.body.size() < bytes)
        content.body.push_back(static_cast<char>(choices.below(256)));
    // Each part is empty for some tokens, so that their borders are tried too.
    if (token % 3 == 0) content.attributes = "a" + std::to_string(token % 17);
    if (token % 5 == 0) content.system_attributes = "trace" + std::to_string(token);
    if (token % 2 == 0) content.sender = "sender";
    for (std::uint8_t& byte : content.id)
        byte = static_cast<std::uint8_t>(choices.below(256));
    for (std::uint8_t& byte : content.body_md5)
        byte = static_cast<std::uint8_t>(choices.below(256));
    return content;
}

engine::Payload payload_of(
    Token token, std::uint32_t body_bytes_max, std::string_view deduplication_id
) {
    const Content content = content_of(token, body_bytes_max);
    return engine::Payload::make(
        {.body = content.body,
         .attributes = content.attributes,
         .system_attributes = content.system_attributes,
         .deduplication_id = deduplication_id,
         .sender = content.sender,
         .id = content.id,
         .body_md5 = content.body_md5}
    );
}

std::optional<Token> token_of(const engine::Payload& payload) {
    if (!payload || !payload.has_bytes()) return std::nullopt;
    const std::string_view body = payload.body();
    if (!body.starts_with('m')) return std::nullopt;
    Token token = 0;
    const char* end = body.data() + body.size();
    const auto [stop, failure] = std::from_chars(body.data() + 1, end, token);
    if (failure != std::errc{} || stop == end || *stop != '.') return std::nullopt;
    return token;
}

bool is_intact(const engine::Payload& payload, std::uint32_t body_bytes_max, bool moved) {
    const auto token = token_of(payload);
    if (!token) return false;
    const Content content = content_of(*token, body_bytes_max);
    return payload.body() == content.body && payload.attributes() == content.attributes &&
           payload.system_attributes() == content.system_attributes &&
           payload.sender() == content.sender && payload.body_md5() == content.body_md5 &&
           (moved || payload.id() == content.id);
}

}  // namespace tranter::store_sim
