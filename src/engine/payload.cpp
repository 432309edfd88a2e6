#include "engine/payload.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

namespace tranter::engine {
namespace {

template <class T>
T checked_size(std::string_view part) {
    if (part.size() > std::numeric_limits<T>::max()) {
        throw std::length_error("message part is too long for a payload");
    }
    return static_cast<T>(part.size());
}

char* append(char* out, std::string_view part) {
    if (!part.empty()) std::memcpy(out, part.data(), part.size());
    return out + part.size();
}

}  // namespace

Payload Payload::make(const PayloadParts& parts) {
    const auto body_bytes = checked_size<std::uint32_t>(parts.body);
    const auto attributes_bytes = checked_size<std::uint32_t>(parts.attributes);
    const auto system_bytes = checked_size<std::uint16_t>(parts.system_attributes);
    const auto deduplication_bytes = checked_size<std::uint8_t>(parts.deduplication_id);
    const auto sender_bytes = checked_size<std::uint8_t>(parts.sender);
    const std::size_t bytes = std::size_t{body_bytes} + attributes_bytes + system_bytes +
                              deduplication_bytes + sender_bytes;
    void* memory = std::malloc(sizeof(Block) + bytes);
    if (memory == nullptr) throw std::bad_alloc();
    auto* block = new (memory) Block{
        .references = 1,
        .body_bytes = body_bytes,
        .attributes_bytes = attributes_bytes,
        .system_attributes_bytes = system_bytes,
        .deduplication_id_bytes = deduplication_bytes,
        .sender_bytes = sender_bytes,
        .id = parts.id,
        .body_md5 = parts.body_md5};
    char* out = append(block->bytes(), parts.body);
    out = append(out, parts.attributes);
    out = append(out, parts.system_attributes);
    out = append(out, parts.deduplication_id);
    append(out, parts.sender);
    return Payload(block);
}

std::size_t Payload::size() const {
    return static_cast<std::size_t>(sender().data() - block_->bytes()) + block_->sender_bytes;
}

Payload Payload::with_identity(const MessageId& id, std::string_view deduplication_id) const {
    return make(PayloadParts{
        .body = body(),
        .attributes = attributes(),
        .system_attributes = system_attributes(),
        .deduplication_id = deduplication_id,
        .sender = sender(),
        .id = id,
        .body_md5 = body_md5()});
}

void Payload::release() {
    if (block_ == nullptr) return;
    if (block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    block_->~Block();
    std::free(block_);
}

}  // namespace tranter::engine
