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
    const auto attributes_bytes =
        static_cast<std::uint32_t>(checked_size<std::int32_t>(parts.attributes));
    const auto system_bytes = checked_size<std::uint16_t>(parts.system_attributes);
    const auto deduplication_bytes = checked_size<std::uint8_t>(parts.deduplication_id);
    const auto sender_bytes = checked_size<std::uint8_t>(parts.sender);
    const std::size_t bytes = std::size_t{body_bytes} + attributes_bytes + system_bytes +
                              deduplication_bytes + sender_bytes;
    auto* block = new (allocate(bytes)) Block{
        .references = 1,
        .body_bytes = body_bytes,
        .attributes_bytes = attributes_bytes,
        .elsewhere = 0,
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

void* Payload::allocate(std::size_t bytes) {
    void* memory = std::malloc(sizeof(Block) + bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void Payload::refuse_bytes() {
    throw std::logic_error("the bytes of this payload are elsewhere, load them first");
}

std::size_t Payload::size() const {
    return std::size_t{block_->body_bytes} + block_->attributes_bytes +
           block_->system_attributes_bytes + block_->deduplication_id_bytes + block_->sender_bytes;
}

Payload Payload::without_bytes(std::uint64_t place) const {
    auto* block = new (allocate(sizeof place)) Block{
        .references = 1,
        .body_bytes = block_->body_bytes,
        .attributes_bytes = block_->attributes_bytes,
        .elsewhere = 1,
        .system_attributes_bytes = block_->system_attributes_bytes,
        .deduplication_id_bytes = block_->deduplication_id_bytes,
        .sender_bytes = block_->sender_bytes,
        .id = block_->id,
        .body_md5 = block_->body_md5};
    std::memcpy(block->bytes(), &place, sizeof place);
    return Payload(block);
}

std::uint64_t Payload::place() const {
    if (has_bytes()) throw std::logic_error("the bytes of this payload are in memory");
    std::uint64_t place = 0;
    std::memcpy(&place, block_->bytes(), sizeof place);
    return place;
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
