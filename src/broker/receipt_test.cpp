#include "broker/receipt.hpp"

#include <gtest/gtest.h>

namespace tranter::broker {
namespace {

const ReceiptCodec codec{SipKey{1, 2, 3}};
const engine::Receipt receipt{.slot = 7, .delivery = 2, .sequence = 0x123456789abcULL};

TEST(ReceiptCodecTest, ReadsBackWhatItWrote) {
    const std::string text = codec.encode(42, receipt);

    const auto decoded = codec.decode(text);

    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->queue, 42U);
    EXPECT_EQ(decoded->receipt, receipt);
    EXPECT_EQ(text.size(), 38U);
}

TEST(ReceiptCodecTest, RefusesEveryChangedBit) {
    const std::string text = codec.encode(42, receipt);

    for (std::size_t at = 0; at < text.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = text;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            EXPECT_FALSE(codec.decode(damaged)) << "position " << at << " bit " << bit;
        }
    }
}

TEST(ReceiptCodecTest, RefusesOtherLengthsAndOtherStores) {
    const std::string text = codec.encode(42, receipt);
    const ReceiptCodec other{SipKey{3, 2, 1}};

    EXPECT_FALSE(codec.decode(""));
    EXPECT_FALSE(codec.decode(text.substr(1)));
    EXPECT_FALSE(codec.decode(text + "A"));
    EXPECT_FALSE(codec.decode(std::string(1'000'000, 'A')));
    EXPECT_FALSE(other.decode(text));
}

}  // namespace
}  // namespace tranter::broker
