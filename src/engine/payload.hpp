#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tranter::engine {

using Md5 = std::array<std::uint8_t, 16>;
using MessageId = std::array<std::uint8_t, 16>;  // a version 4 UUID

/// The parts of a message that never change after it was sent. The engine stores them as they are
/// and reads none of them; how attributes are encoded is the front end's business.
struct PayloadParts {
    std::string_view body;
    std::string_view attributes{};         // front end's encoding, may be empty
    std::string_view system_attributes{};  // front end's encoding, at most 65535 bytes
    std::string_view deduplication_id{};   // FIFO: explicit or derived; at most 255 bytes
    std::string_view sender{};             // at most 255 bytes; empty: the anonymous default
    MessageId id{};
    Md5 body_md5{};
};

/// A shared, immutable payload in one allocation: header, then the bytes of all parts. Copying a
/// Payload shares it (atomic count), so bodies are never copied between engine, broker and front
/// end. Thread-safe like std::shared_ptr.
class Payload {
  public:
    Payload() = default;
    /// Throws std::length_error when a part is over its limit; front ends check before.
    static Payload make(const PayloadParts& parts);

    Payload(const Payload& other) : block_(other.block_) { retain(); }
    Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Payload& operator=(Payload other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Payload() { release(); }

    explicit operator bool() const { return block_ != nullptr; }
    /// Throws std::logic_error, like every function that returns one of the parts, when the bytes
    /// are elsewhere.
    std::string_view body() const {
        if (block_->elsewhere) refuse_bytes();
        return {block_->bytes(), block_->body_bytes};
    }
    std::string_view attributes() const {
        return {body().data() + block_->body_bytes, block_->attributes_bytes};
    }
    std::string_view system_attributes() const {
        return {attributes().data() + block_->attributes_bytes, block_->system_attributes_bytes};
    }
    std::string_view deduplication_id() const {
        return {
            system_attributes().data() + block_->system_attributes_bytes,
            block_->deduplication_id_bytes};
    }
    std::string_view sender() const {
        return {deduplication_id().data() + block_->deduplication_id_bytes, block_->sender_bytes};
    }
    const MessageId& id() const { return block_->id; }
    const Md5& body_md5() const { return block_->body_md5; }
    /// Bytes of all parts together.
    std::size_t size() const;
    /// The same content under another identity (a redriven message gets a new message id).
    Payload with_identity(const MessageId& id, std::string_view deduplication_id) const;

    /// The same message without its bytes, which the owner keeps at `place`: id, checksum and size
    /// stay known.
    Payload without_bytes(std::uint64_t place) const;
    bool has_bytes() const { return !block_->elsewhere; }
    /// Where without_bytes() was told they are.
    std::uint64_t place() const;

  private:
    // 48 bytes in front of every message's bytes; part of the engine's memory budget.
    struct Block {
        std::atomic<std::uint32_t> references;
        std::uint32_t body_bytes;
        std::uint32_t attributes_bytes : 31;
        std::uint32_t elsewhere : 1;  // instead of the bytes stands their place
        std::uint16_t system_attributes_bytes;
        std::uint8_t deduplication_id_bytes;
        std::uint8_t sender_bytes;
        MessageId id;
        Md5 body_md5;
        char* bytes() { return reinterpret_cast<char*>(this + 1); }
    };

    explicit Payload(Block* block) : block_(block) {}
    static void* allocate(std::size_t bytes);
    [[noreturn]] static void refuse_bytes();
    void retain() {
        if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release();

    Block* block_ = nullptr;  // owned together with every copy of this Payload
};

}  // namespace tranter::engine
