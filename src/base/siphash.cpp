#include "base/siphash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace tranter {
namespace {

struct State {
    std::uint64_t v0, v1, v2, v3;

    void rounds(int count) {
        for (; count > 0; --count) {
            v0 += v1;
            v2 += v3;
            v1 = std::rotl(v1, 13) ^ v0;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 = std::rotl(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = std::rotl(v1, 17) ^ v2;
            v3 = std::rotl(v3, 21) ^ v0;
            v2 = std::rotl(v2, 32);
        }
    }
};

std::uint64_t load(const std::uint8_t* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);  // little-endian machines only, as everywhere here
    return word;
}
static_assert(std::endian::native == std::endian::little);

}  // namespace

std::uint64_t siphash(const SipKey& key, std::span<const std::uint8_t> data) {
    const std::uint64_t k0 = load(key.data(), 8);
    const std::uint64_t k1 = load(key.data() + 8, 8);
    State state{
        .v0 = k0 ^ 0x736f6d6570736575,
        .v1 = k1 ^ 0x646f72616e646f6d,
        .v2 = k0 ^ 0x6c7967656e657261,
        .v3 = k1 ^ 0x7465646279746573};
    const std::size_t whole = data.size() / 8 * 8;
    const auto absorb = [&state](std::uint64_t word) {
        state.v3 ^= word;
        state.rounds(2);
        state.v0 ^= word;
    };
    for (std::size_t at = 0; at < whole; at += 8)
        absorb(load(data.data() + at, 8));
    const std::uint64_t rest =
        data.size() > whole ? load(data.data() + whole, data.size() - whole) : 0;
    absorb(rest | std::uint64_t{data.size()} << 56);
    state.v2 ^= 0xff;
    state.rounds(4);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace tranter
