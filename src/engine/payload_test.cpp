#include "engine/payload.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tranter::engine {
namespace {

Payload sample() {
    return Payload::make(
        {.body = "the body",
         .attributes = "attributes",
         .system_attributes = "system",
         .deduplication_id = "id",
         .sender = "sender",
         .id = {1, 2, 3},
         .body_md5 = {4, 5, 6}}
    );
}

TEST(PayloadTest, KeepsItsParts) {
    const Payload payload = sample();

    EXPECT_EQ(payload.body(), "the body");
    EXPECT_EQ(payload.attributes(), "attributes");
    EXPECT_EQ(payload.system_attributes(), "system");
    EXPECT_EQ(payload.deduplication_id(), "id");
    EXPECT_EQ(payload.sender(), "sender");
    EXPECT_EQ(payload.size(), 32U);
}

TEST(PayloadTest, AnotherIdentityHasTheSameContent) {
    const Payload other = sample().with_identity({9}, "new");

    EXPECT_EQ(other.body(), "the body");
    EXPECT_EQ(other.sender(), "sender");
    EXPECT_EQ(other.deduplication_id(), "new");
    EXPECT_EQ(other.id(), MessageId{9});
}

TEST(PayloadTest, WithoutItsBytesItKnowsWhereTheyAre) {
    const Payload stub = sample().without_bytes(0x1122334455667788);

    EXPECT_FALSE(stub.has_bytes());
    EXPECT_EQ(stub.place(), 0x1122334455667788U);
    EXPECT_EQ(stub.size(), sample().size());
    EXPECT_EQ(stub.id(), sample().id());
    EXPECT_EQ(stub.body_md5(), sample().body_md5());
    EXPECT_EQ(stub.without_bytes(7).place(), 7U);
}

TEST(PayloadTest, NeverPretendsToHaveBytesThatAreElsewhere) {
    const Payload stub = sample().without_bytes(7);

    EXPECT_THROW(std::ignore = stub.body(), std::logic_error);
    EXPECT_THROW(std::ignore = stub.sender(), std::logic_error);
    EXPECT_THROW(std::ignore = stub.with_identity({}, ""), std::logic_error);
    EXPECT_THROW(std::ignore = sample().place(), std::logic_error);
}

}  // namespace
}  // namespace tranter::engine
