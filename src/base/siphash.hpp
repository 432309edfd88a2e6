#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tranter {

using SipKey = std::array<std::uint8_t, 16>;

/// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): a 64-bit MAC for
/// short inputs.
std::uint64_t siphash(const SipKey& key, std::span<const std::uint8_t> data);

}  // namespace tranter
