#pragma once

#include "base/siphash.hpp"
#include "engine/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::broker {

/// Number of a queue within a store, never used twice.
using QueueId = std::uint32_t;

/// Text of a receipt handle: URL-safe base64 of queue, slot, sequence, delivery and a 64-bit MAC
/// under the store's key, 28 bytes in 38 characters. A forged or damaged handle is recognised
/// without a table. Byte layout, little-endian:
///
///     queue u32 | slot u32 | delivery u32 | sequence u64 | SipHash-2-4 of the 20 bytes u64
class ReceiptCodec {
  public:
    explicit ReceiptCodec(const SipKey& key) : key_(key) {}

    struct Decoded {
        QueueId queue = 0;
        engine::Receipt receipt{};
    };

    void append(std::string& out, QueueId queue, const engine::Receipt& receipt) const;
    std::string encode(QueueId queue, const engine::Receipt& receipt) const;
    /// Nothing unless the text is exactly what encode() made under the same key.
    std::optional<Decoded> decode(std::string_view text) const;

  private:
    SipKey key_;
};

}  // namespace tranter::broker
