#include "sqs/receive_filter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tranter::sqs {
namespace {

MessageAttributeFilter filter(std::vector<std::string_view> names) {
    return MessageAttributeFilter(names);
}

TEST(ReceiveFilterTest, ThreeSpellingsSelectEverything) {
    for (const char* name : {"All", ".*", "*"}) {
        EXPECT_TRUE(filter({name}).all()) << name;
        EXPECT_TRUE(filter({name}).matches("anything"));
    }
    EXPECT_TRUE(filter({}).none());
}

TEST(ReceiveFilterTest, NamesMatchExactlyAndPrefixesFromTheFront) {
    const auto some = filter({"foo", "bar.*"});
    EXPECT_TRUE(some.matches("foo"));
    EXPECT_FALSE(some.matches("food"));
    EXPECT_FALSE(some.matches("Foo"));
    EXPECT_TRUE(some.matches("bar.x"));
    EXPECT_TRUE(some.matches("barn"));
    EXPECT_FALSE(some.matches("xbar.x"));
    EXPECT_FALSE(filter({"AWS.", "..foo"}).matches("foo"));
}

TEST(ReceiveFilterTest, SystemAttributesAreSelectedByName) {
    SystemAttributeFilter wanted;
    const std::vector<std::string_view> names{"SenderId", "VisibilityTimeout"};
    ASSERT_TRUE(wanted.add(names));
    EXPECT_TRUE(wanted.contains(SystemAttribute::sender_id));
    EXPECT_FALSE(wanted.contains(SystemAttribute::sent_timestamp));
    const std::vector<std::string_view> all{"All"};
    ASSERT_TRUE(wanted.add(all));
    EXPECT_TRUE(wanted.contains(SystemAttribute::sequence_number));
    const std::vector<std::string_view> unknown{"Nope"};
    EXPECT_EQ(wanted.add(unknown).error().message, "Unknown Attribute Nope.");
}

}  // namespace
}  // namespace tranter::sqs
