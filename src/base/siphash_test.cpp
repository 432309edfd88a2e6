#include "base/siphash.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace tranter {
namespace {

SipKey counting_key() {
    SipKey key;
    std::iota(key.begin(), key.end(), std::uint8_t{0});
    return key;
}

// Appendix A of the SipHash paper: key 00..0f, input 00..0e.
TEST(SipHashTest, GivesTheValueOfThePaper) {
    std::vector<std::uint8_t> input(15);
    std::iota(input.begin(), input.end(), std::uint8_t{0});

    EXPECT_EQ(siphash(counting_key(), input), 0xa129ca6149be45e5U);
}

TEST(SipHashTest, DependsOnEveryByteOfKeyAndInput) {
    std::vector<std::uint8_t> input(20, 7);
    const std::uint64_t before = siphash(counting_key(), input);

    for (auto& byte : input) {
        byte ^= 1;
        EXPECT_NE(siphash(counting_key(), input), before);
        byte ^= 1;
    }
    for (std::size_t i = 0; i < 16; ++i) {
        SipKey key = counting_key();
        key[i] ^= 1;
        EXPECT_NE(siphash(key, input), before);
    }
}

}  // namespace
}  // namespace tranter
