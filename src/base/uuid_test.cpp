#include "base/uuid.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>

namespace tranter {
namespace {

TEST(UuidTest, IsVersionFourAndUnique) {
    std::set<Uuid> seen;
    for (int i = 0; i < 1000; ++i) {
        const Uuid uuid = make_uuid();
        EXPECT_EQ(uuid[6] >> 4, 4);
        EXPECT_EQ(uuid[8] >> 6, 2);
        EXPECT_TRUE(seen.insert(uuid).second);
    }
}

TEST(UuidTest, ThoseOfVersionSevenBeginWithTheTime) {
    using std::chrono::floor;
    using std::chrono::milliseconds;
    using std::chrono::system_clock;
    const auto before = floor<milliseconds>(system_clock::now()).time_since_epoch().count();
    std::set<Uuid> seen;
    Uuid last{};
    for (int i = 0; i < 1000; ++i) {
        const Uuid uuid = make_time_ordered_uuid();
        EXPECT_LT(last, uuid);
        last = uuid;
        EXPECT_EQ(uuid[6] >> 4, 7);
        EXPECT_EQ(uuid[8] >> 6, 2);
        EXPECT_TRUE(seen.insert(uuid).second);

        std::int64_t millis = 0;
        for (std::size_t k = 0; k < 6; ++k)
            millis = millis << 8 | uuid[k];
        EXPECT_GE(millis, before);
        EXPECT_LE(millis, floor<milliseconds>(system_clock::now()).time_since_epoch().count());
    }
}

TEST(UuidTest, TextReadsBack) {
    const Uuid uuid = make_uuid();
    const std::string text = format_uuid(uuid);
    EXPECT_EQ(text.size(), 36U);
    EXPECT_EQ(parse_uuid(text), uuid);
    EXPECT_EQ(
        format_uuid(parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF").value()),
        "00112233-4455-6677-8899-aabbccddeeff"
    );
}

TEST(UuidTest, RefusesOtherForms) {
    for (const char* text :
         {"",
          "00112233445566778899aabbccddeeff",
          "00112233-4455-6677-8899-aabbccddeef",
          "00112233-4455-6677-8899-aabbccddeefg",
          "00112233x4455-6677-8899-aabbccddeeff"}) {
        EXPECT_FALSE(parse_uuid(text)) << text;
    }
}

}  // namespace
}  // namespace tranter
