#include "base/digest.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace tranter {
namespace {

// RFC 1321. Ours because a body is hashed with every message sent and libcrypto's EVP layer costs a
// third as much as the digest of a small one; the rounds themselves take as long as its assembly.

using Word = std::uint32_t;
using Md5State = std::array<Word, 4>;
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t block_bytes = 64;
constexpr Md5State initial{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

constexpr std::array<Word, 64> sines{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr std::array<std::array<int, 4>, 4> shifts{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

/// Which word of the block each step takes.
constexpr std::size_t word_of(std::size_t step) {
    constexpr std::array<std::size_t, 4> factors{1, 5, 3, 7};
    constexpr std::array<std::size_t, 4> offsets{0, 1, 5, 0};
    return (factors[step / 16] * step + offsets[step / 16]) % 16;
}

template <std::size_t step>
void turn(Word& a, Word b, Word c, Word d, const Word* block) {
    constexpr std::size_t round = step / 16;
    // Every step waits for the b of the one before it, so b comes in as late as possible.
    Word sum = a + block[word_of(step)] + sines[step];
    if constexpr (round == 0) {
        sum += d ^ (b & (c ^ d));
    } else if constexpr (round == 1) {
        sum = (sum + (c & ~d)) + (b & d);
    } else if constexpr (round == 2) {
        sum += b ^ (c ^ d);
    } else {
        sum += c ^ (b | ~d);
    }
    a = b + std::rotl(sum, shifts[round][step % 4]);
}

template <std::size_t step>
void four_turns(Md5State& state, const Word* block) {
    auto& [a, b, c, d] = state;
    turn<step>(a, b, c, d, block);
    turn<step + 1>(d, a, b, c, block);
    turn<step + 2>(c, d, a, b, block);
    turn<step + 3>(b, c, d, a, block);
}

void digest_blocks(Md5State& state, const char* data, std::size_t blocks) {
    for (; blocks > 0; --blocks, data += block_bytes) {
        std::array<Word, 16> block;
        std::memcpy(block.data(), data, block_bytes);
        Md5State next = state;
        [&]<std::size_t... fours>(std::index_sequence<fours...>) {
            (four_turns<fours * 4>(next, block.data()), ...);
        }
        (std::make_index_sequence<16>{});
        for (std::size_t i = 0; i < state.size(); ++i)
            state[i] += next[i];
    }
}

}  // namespace

Md5Digest md5(std::string_view data) {
    Md5State state = initial;
    const std::size_t whole = data.size() / block_bytes;
    digest_blocks(state, data.data(), whole);

    // The rest, a one bit, zeros, and the length in bits at the end of a block.
    std::array<char, 2 * block_bytes> tail{};
    const std::size_t rest = data.size() % block_bytes;
    if (rest > 0) std::memcpy(tail.data(), data.data() + whole * block_bytes, rest);
    tail[rest] = static_cast<char>(0x80);
    const std::uint64_t bits = std::uint64_t{data.size()} * 8;
    const std::size_t tail_blocks = rest + 1 + sizeof bits <= block_bytes ? 1 : 2;
    std::memcpy(tail.data() + tail_blocks * block_bytes - sizeof bits, &bits, sizeof bits);
    digest_blocks(state, tail.data(), tail_blocks);
    return std::bit_cast<Md5Digest>(state);
}

}  // namespace tranter
