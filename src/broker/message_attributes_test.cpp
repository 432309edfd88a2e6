#include "broker/message_attributes.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tranter::broker {
namespace {

TEST(MessageAttributesTest, FindsAnAttributeByItsName) {
    std::string encoded;
    encode_strings(
        std::array{StringAttribute{"tranter.options", "{}"}, StringAttribute{"type", "mail"}},
        encoded
    );

    const auto type = find_attribute(encoded, "type");
    ASSERT_TRUE(type);
    EXPECT_EQ(type->value, "mail");
    EXPECT_EQ(type->type, "String");
    EXPECT_FALSE(type->binary);
    EXPECT_TRUE(find_attribute(encoded, "tranter.options"));
    EXPECT_FALSE(find_attribute(encoded, "tranter"));
    EXPECT_FALSE(find_attribute("", "type"));
    EXPECT_FALSE(find_attribute(encoded.substr(0, encoded.size() - 1), "type"));
}

// The digest of SQS_SPEC 5.11, which SDKs compare.
TEST(MessageAttributesTest, StringsHaveTheDigestOfSqs) {
    std::string encoded;
    encode_strings(std::array{StringAttribute{"foo", "bar"}}, encoded);

    EXPECT_EQ(to_hex(EncodedAttributes(encoded).md5()), "d8062e30406ad939a86bacea477e5a26");
    EXPECT_EQ(EncodedAttributes(encoded).count(), 1U);
}

}  // namespace
}  // namespace tranter::broker
