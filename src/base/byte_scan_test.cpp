#include "base/byte_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tranter {
namespace {

TEST(ByteScanTest, FindsTheFirstMatchInWholeBlocksAndLeavesTheRest) {
    const auto is_x = [](Bytes16 bytes) {
        return bytes == each_of_16('x');
    };
    for (std::size_t size = 0; size < 70; ++size) {
        const std::string plain(size, '-');
        EXPECT_EQ(bytes_before(plain, is_x), size / 16 * 16);
        for (std::size_t first = 0; first < size; ++first) {
            std::string text = plain;
            text[first] = text.back() = 'x';
            const std::size_t in_blocks = size / 16 * 16;
            EXPECT_EQ(bytes_before(text, is_x), std::min(first, in_blocks));
        }
    }
}

}  // namespace
}  // namespace tranter
