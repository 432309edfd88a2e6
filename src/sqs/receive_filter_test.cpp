#include "sqs/receive_filter.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace tranter::sqs {
namespace {

MessageAttributeFilter filter(std::vector<std::string_view> names) {
    MessageAttributeFilter made;
    EXPECT_TRUE(made.add(names));
    return made;
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

TEST(ReceiveFilterTest, ALongPollKeepsNoMoreNamesThanItHasRoomFor) {
    std::vector<std::string> texts;
    for (int i = 0; i < 1000; ++i)
        texts.push_back("name" + std::to_string(i));
    const std::vector<std::string_view> many(texts.begin(), texts.end());
    MessageAttributeFilter some;
    MessageAttributeFilter other;

    EXPECT_TRUE(some.add(std::span(many).first(300)));
    EXPECT_TRUE(some.matches("name299"));
    const Outcome<> refused = other.add(many);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid_parameter_value);
}

TEST(ReceiveFilterTest, NamesThatNoAttributeCanHaveAreNotKept) {
    const std::string longest(attribute_name_bytes_max, 'x');
    const std::string endless(MessageAttributeFilter::bytes_max, 'x');
    const std::string prefix = endless + ".*";

    const auto some = filter({longest, endless, prefix});
    EXPECT_TRUE(some.matches(longest));
    EXPECT_FALSE(some.matches(endless));
    EXPECT_TRUE(filter({endless}).none());
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
