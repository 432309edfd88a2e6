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
    std::string_view system_attributes{};  // front end's encoding, may be empty
    std::string_view deduplication_id{};   // FIFO: explicit or derived from the body
    std::string_view sender{};
    MessageId id{};
    Md5 body_md5{};
};

/// A shared, immutable payload in one allocation: header, then the bytes of all parts. Copying a
/// Payload shares it (atomic count), so bodies are never copied between engine, broker and front
/// end. Thread-safe like std::shared_ptr.
class Payload {
  public:
    Payload() = default;
    static Payload make(const PayloadParts& parts);

    Payload(const Payload& other) : block_(other.block_) { retain(); }
    Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Payload& operator=(Payload other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Payload() { release(); }

    explicit operator bool() const { return block_ != nullptr; }
    std::string_view body() const { return part(0); }
    std::string_view attributes() const { return part(1); }
    std::string_view system_attributes() const { return part(2); }
    std::string_view deduplication_id() const { return part(3); }
    std::string_view sender() const { return part(4); }
    const MessageId& id() const { return block_->id; }
    const Md5& body_md5() const { return block_->body_md5; }
    /// Bytes of all parts together.
    std::size_t size() const;
    /// The same content under another identity (a redriven message gets a new message id).
    Payload with_identity(const MessageId& id, std::string_view deduplication_id) const;

  private:
    static constexpr std::size_t part_count = 5;
    struct Block {
        std::atomic<std::uint32_t> references;
        std::array<std::uint32_t, part_count> ends;  // of each part, from the first byte after
        MessageId id;
        Md5 body_md5;
        char* bytes() { return reinterpret_cast<char*>(this + 1); }
    };

    explicit Payload(Block* block) : block_(block) {}
    std::string_view part(std::size_t index) const {
        const std::uint32_t begin = index == 0 ? 0 : block_->ends[index - 1];
        return {block_->bytes() + begin, block_->ends[index] - begin};
    }
    void retain() {
        if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release();

    Block* block_ = nullptr;  // owned together with every copy of this Payload
};

}  // namespace tranter::engine
