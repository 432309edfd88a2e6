#include "sqs/text_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::sqs {
namespace {

using namespace std::string_literals;

TEST(TextRulesTest, MessagesMayHaveEveryXmlCharacter) {
    EXPECT_TRUE(is_message_text("\t\n\r plain \x7f"));
    EXPECT_TRUE(is_message_text("\ud7ff\ue000\ufffd\U00010000\U0010ffff and more than eight bytes")
    );
    EXPECT_TRUE(is_message_text("\uffbe \uefbf"));
}

TEST(TextRulesTest, MessagesMayNotHaveControlsAndNoncharacters) {
    for (std::size_t before = 0; before < 17; ++before) {
        const std::string filler(before, 'x');
        for (const std::string& bad : {"\0"s, "\x01"s, "\x0b"s, "\x1f"s, "\ufffe"s, "\uffff"s}) {
            EXPECT_FALSE(is_message_text(filler + bad + "yyyyyyyyyy"));
        }
    }
}

TEST(TextRulesTest, OpaqueIdsArePrintableAscii) {
    EXPECT_TRUE(is_opaque_id("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ0"));
    EXPECT_TRUE(is_opaque_id(std::string(128, 'x')));
    EXPECT_FALSE(is_opaque_id(std::string(129, 'x')));
    EXPECT_FALSE(is_opaque_id(""));
    EXPECT_FALSE(is_opaque_id("a b"));
    EXPECT_FALSE(is_opaque_id("\u00e9"));
}

TEST(TextRulesTest, QueueNamesAreLabelsWithAnOptionalSuffix) {
    EXPECT_TRUE(is_queue_name("a-Z_09", 80));
    EXPECT_TRUE(is_queue_name("a.fifo", 80));
    EXPECT_TRUE(is_queue_name(std::string(75, 'x') + ".fifo", 80));
    EXPECT_FALSE(is_queue_name(std::string(76, 'x') + ".fifo", 80));
    for (const char* name : {"", ".fifo", "a.b", "a/b", "a b", "a%2fb", "con.txt", "a.fifo.fifo"}) {
        EXPECT_FALSE(is_queue_name(name, 80)) << name;
    }
}

TEST(TextRulesTest, ShorteningKeepsCharactersWhole) {
    EXPECT_EQ(shortened("abc", 3), "abc");
    EXPECT_EQ(shortened("abcd", 3), "abc");
    EXPECT_EQ(shortened("ab\u00e9", 3), "ab");
    EXPECT_EQ(shortened("\U0001F600", 3), "");
}

}  // namespace
}  // namespace tranter::sqs
