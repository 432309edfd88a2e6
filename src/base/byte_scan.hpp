#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tranter {

/// Sixteen bytes that are looked at together, through the vector extension that g++ and clang
/// share. Comparisons give all ones for each byte that agrees and 0 for the others.
using Bytes16 = std::uint8_t __attribute__((vector_size(16)));
using Words2 = std::uint64_t __attribute__((vector_size(16)));

constexpr Bytes16 each_of_16(std::uint8_t byte) {
    return Bytes16{} + byte;
}

/// How many bytes of `text` stand before the first that `matches`, which is given a Bytes16, finds.
/// Looks at whole blocks only: what is left of the text, less than 16 bytes, is the caller's.
template <class Matches>
std::size_t bytes_before(std::string_view text, Matches matches) {
    std::size_t at = 0;
    for (; text.size() - at >= sizeof(Bytes16); at += sizeof(Bytes16)) {
        Bytes16 bytes;
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        const auto found = std::bit_cast<Words2>(matches(bytes));
        if ((found[0] | found[1]) == 0) continue;
        const int half = found[0] != 0 ? 0 : 1;
        const int byte = half * 8 + std::countr_zero(found[half]) / 8;
        return at + static_cast<std::size_t>(byte);
    }
    return at;
}
static_assert(std::endian::native == std::endian::little);

}  // namespace tranter
