#include "cli/queue_attributes.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

std::string attribute(std::string_view text) {
    const auto parsed = parse_queue_attribute(text);
    if (!parsed) return parsed.error().message();
    return parsed->name + "=" + std::string(parsed->value.text());
}

TEST(QueueAttributeTest, TurnsOurNamesAndUnitsIntoThoseOfAws) {
    EXPECT_EQ(attribute("visibility-timeout=2m"), "VisibilityTimeout=120");
    EXPECT_EQ(attribute("delay=0s"), "DelaySeconds=0");
    EXPECT_EQ(attribute("retention=14d"), "MessageRetentionPeriod=1209600");
    EXPECT_EQ(attribute("receive-wait=20s"), "ReceiveMessageWaitTimeSeconds=20");
    EXPECT_EQ(attribute("max-message-size=64KiB"), "MaximumMessageSize=65536");
    EXPECT_EQ(attribute("content-based-deduplication=true"), "ContentBasedDeduplication=true");
    EXPECT_EQ(attribute("redrive-policy="), "RedrivePolicy=");
}

TEST(QueueAttributeTest, PassesAwsNamesOn) {
    EXPECT_EQ(attribute("VisibilityTimeout=30"), "VisibilityTimeout=30");
    EXPECT_EQ(attribute("Policy={\"a\":\"b=c\"}"), "Policy={\"a\":\"b=c\"}");
}

TEST(QueueAttributeTest, SaysWhatIsWrongAndWhatIsRight) {
    EXPECT_EQ(attribute("delay"), "queue attribute is 'delay', expected NAME=VALUE");
    EXPECT_TRUE(attribute("delay=5").starts_with("delay: ")) << attribute("delay=5");
    EXPECT_TRUE(attribute("dealy=5s").starts_with("unknown queue attribute 'dealy' (did you mean"));
    EXPECT_EQ(attribute("delay=1500ms"), "delay is '1500ms', expected whole seconds");
    EXPECT_EQ(attribute("Policy=\xff"), "queue attribute 'Policy=\\xff' is not valid UTF-8");
}

TEST(QueueAttributesTest, CollectsOptionsAndWordsAndRefusesTheSameTwice) {
    const Arguments both({{"visibility-timeout", {"30s"}}, {"K=V", {"delay=1s"}}});
    EXPECT_EQ(
        collect_queue_attributes(both).value().dump(),
        R"({"DelaySeconds":"1","VisibilityTimeout":"30"})"
    );

    const Arguments twice({{"delay", {"30s"}}, {"attribute", {"DelaySeconds=3"}}});
    EXPECT_EQ(
        collect_queue_attributes(twice).error().message(),
        "queue attribute DelaySeconds is given twice, once is right"
    );
}

}  // namespace
}  // namespace tranter::cli
