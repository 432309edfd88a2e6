#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using ::testing::HasSubstr;

class QueueAttributesTest : public ServiceTest {
  protected:
    TestReply& set(std::string_view queue, std::string_view attributes) {
        return on(queue, "SetQueueAttributes", R"("Attributes":{)" + std::string(attributes) + "}");
    }
    TestReply& create(std::string_view attributes) {
        return json(
            "CreateQueue", R"({"QueueName":"new","Attributes":{)" + std::string(attributes) + "}}"
        );
    }
    static std::string redrive(std::string_view queue, std::string_view count) {
        return R"("RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:)" +
               std::string(queue) + R"(\",\"maxReceiveCount\":)" + std::string(count) + "}\"";
    }
};

TEST_F(QueueAttributesTest, AllShowsTheDefaultsOfAStandardQueue) {
    make_queue("q");
    EXPECT_EQ(
        on("q", "GetQueueAttributes", R"("AttributeNames":["All"])").body(),
        R"({"Attributes":{"ApproximateNumberOfMessages":"0",)"
        R"("ApproximateNumberOfMessagesDelayed":"0","ApproximateNumberOfMessagesNotVisible":"0",)"
        R"("CreatedTimestamp":"1767323045","DelaySeconds":"0","LastModifiedTimestamp":"1767323045",)"
        R"("MaximumMessageSize":"1048576","MessageRetentionPeriod":"345600",)"
        R"("QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","ReceiveMessageWaitTimeSeconds":"0",)"
        R"("SqsManagedSseEnabled":"true","VisibilityTimeout":"30"}})"
    );
}

TEST_F(QueueAttributesTest, AllShowsTheDefaultsOfAFifoQueue) {
    make_queue("q.fifo");
    EXPECT_EQ(attribute("q.fifo", "FifoQueue"), "true");
    EXPECT_EQ(attribute("q.fifo", "ContentBasedDeduplication"), "false");
    EXPECT_EQ(attribute("q.fifo", "DeduplicationScope"), "queue");
    EXPECT_EQ(attribute("q.fifo", "FifoThroughputLimit"), "perQueue");
}

TEST_F(QueueAttributesTest, OnlyWhatIsAskedForIsShown) {
    make_queue("q");
    EXPECT_EQ(on("q", "GetQueueAttributes").body(), "{}");
    EXPECT_EQ(
        on("q", "GetQueueAttributes", R"("AttributeNames":["Policy","DelaySeconds"])").body(),
        R"({"Attributes":{"DelaySeconds":"0"}})"
    );
    EXPECT_EQ(
        on("q", "GetQueueAttributes", R"("AttributeNames":["Foobar"])").message(),
        "Unknown Attribute Foobar."
    );
    EXPECT_THAT(
        query("Action=GetQueueAttributes&QueueUrl=q&AttributeName.1=DelaySeconds").body(),
        HasSubstr("<Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute>")
    );
}

TEST_F(QueueAttributesTest, RangesAreChecked) {
    make_queue("q");
    struct Range {
        const char* name;
        const char* low;
        const char* high;
        const char* below;
        const char* above;
    };
    for (const Range& range : {
             Range{"DelaySeconds", "0", "900", "-1", "901"},
             Range{"MaximumMessageSize", "1024", "1048576", "1023", "1048577"},
             Range{"MessageRetentionPeriod", "60", "1209600", "59", "1209601"},
             Range{"ReceiveMessageWaitTimeSeconds", "0", "20", "-1", "21"},
             Range{"VisibilityTimeout", "0", "43200", "-1", "43201"},
             Range{"KmsDataKeyReusePeriodSeconds", "60", "86400", "59", "86401"},
         }) {
        const auto value = [&](const char* text) {
            return "\"" + std::string(range.name) + "\":\"" + text + "\"";
        };
        for (const char* good : {range.low, range.high}) {
            EXPECT_EQ(set("q", value(good)).status(), 200) << range.name << " " << good;
            EXPECT_EQ(attribute("q", range.name), good);
        }
        for (const char* bad : {range.below, range.above, "abc", "30 ", "", "+5", "1e2"}) {
            const TestReply& reply = set("q", value(bad));
            EXPECT_EQ(reply.code(), "InvalidAttributeValue") << range.name << " " << bad;
            EXPECT_EQ(
                reply.message(), "Invalid value for the parameter " + std::string(range.name) + "."
            );
        }
    }
}

TEST_F(QueueAttributesTest, CountersAreOfOneMoment) {
    make_queue("q");
    on("q", "SendMessage", R"("MessageBody":"x","DelaySeconds":1)");
    clock.step = std::chrono::milliseconds(150);

    for (int i = 0; i < 20; ++i) {
        const TestReply& reply = on("q", "GetQueueAttributes", R"("AttributeNames":["All"])");
        const std::string visible = reply.at("Attributes/ApproximateNumberOfMessages");
        const std::string delayed = reply.at("Attributes/ApproximateNumberOfMessagesDelayed");
        EXPECT_EQ(visible == "1", delayed == "0") << i;
    }
    EXPECT_EQ(attribute("q", "ApproximateNumberOfMessages"), "1");
}

TEST_F(QueueAttributesTest, SettingIsAllOrNothing) {
    make_queue("q");
    EXPECT_EQ(set("q", R"("DelaySeconds":"5","VisibilityTimeout":"x")").status(), 400);
    EXPECT_EQ(attribute("q", "DelaySeconds"), "0");
    clock.advance(std::chrono::seconds(10));
    EXPECT_EQ(set("q", R"("DelaySeconds":"5","VisibilityTimeout":"6")").status(), 200);
    EXPECT_EQ(attribute("q", "DelaySeconds"), "5");
    EXPECT_EQ(attribute("q", "LastModifiedTimestamp"), "1767323055");
    EXPECT_EQ(attribute("q", "CreatedTimestamp"), "1767323045");
}

TEST_F(QueueAttributesTest, UnknownAndReadOnlyAttributesAreRefused) {
    make_queue("q");
    for (const char* name :
         {"Nope", "QueueArn", "CreatedTimestamp", "ApproximateNumberOfMessages"}) {
        const TestReply& reply = set("q", "\"" + std::string(name) + "\":\"1\"");
        EXPECT_EQ(reply.code(), "InvalidAttributeName");
        EXPECT_EQ(reply.message(), "Unknown Attribute " + std::string(name) + ".");
    }
    EXPECT_EQ(on("q", "SetQueueAttributes").code(), "MissingParameter");
}

TEST_F(QueueAttributesTest, FifoAttributesNeedAFifoQueue) {
    make_queue("q");
    EXPECT_EQ(
        set("q", R"("ContentBasedDeduplication":"true")").message(),
        "Unknown Attribute ContentBasedDeduplication."
    );
    EXPECT_EQ(set("q", R"("FifoQueue":"true")").message(), "Unknown Attribute FifoQueue.");
    for (const char* name : {"DeduplicationScope", "FifoThroughputLimit"}) {
        const TestReply& reply = set("q", "\"" + std::string(name) + "\":\"queue\"");
        EXPECT_EQ(reply.code(), "InvalidAttributeName");
        EXPECT_EQ(
            reply.message(),
            "You can specify the " + std::string(name) + " only when FifoQueue is set to true."
        );
    }
    EXPECT_EQ(create(R"("FifoQueue":"false")").code(), "InvalidAttributeValue");
}

TEST_F(QueueAttributesTest, FifoAttributesCanBeChanged) {
    make_queue("q.fifo");
    EXPECT_EQ(
        set("q.fifo", R"("FifoQueue":"false")").message(),
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    );
    EXPECT_EQ(set("q.fifo", R"("FifoThroughputLimit":"perMessageGroupId")").status(), 400);
    EXPECT_EQ(
        set("q.fifo",
            R"("FifoThroughputLimit":"perMessageGroupId","DeduplicationScope":"messageGroup")")
            .status(),
        200
    );
    EXPECT_EQ(attribute("q.fifo", "DeduplicationScope"), "messageGroup");
    EXPECT_EQ(set("q.fifo", R"("ContentBasedDeduplication":"True")").status(), 200);
    EXPECT_EQ(attribute("q.fifo", "ContentBasedDeduplication"), "true");
}

TEST_F(QueueAttributesTest, EncryptionIsEitherManagedOrByKey) {
    make_queue("q");
    EXPECT_EQ(
        set("q", R"("KmsMasterKeyId":"alias/x","SqsManagedSseEnabled":"true")").message(),
        "You can use one type of server-side encryption (SSE) at one time. You can either enable "
        "KMS SSE or SQS SSE."
    );
    set("q", R"("KmsMasterKeyId":"alias/x","KmsDataKeyReusePeriodSeconds":"600")");
    EXPECT_EQ(attribute("q", "KmsMasterKeyId"), "alias/x");
    EXPECT_EQ(attribute("q", "SqsManagedSseEnabled"), "false");
    set("q", R"("KmsMasterKeyId":"","KmsDataKeyReusePeriodSeconds":"300")");
    EXPECT_EQ(attribute("q", "KmsMasterKeyId"), "");
    EXPECT_EQ(attribute("q", "KmsDataKeyReusePeriodSeconds"), "");
    EXPECT_EQ(attribute("q", "SqsManagedSseEnabled"), "false");
}

TEST_F(QueueAttributesTest, PoliciesAreDocuments) {
    make_queue("q");
    EXPECT_EQ(set("q", R"("Policy":"{")").code(), "InvalidAttributeValue");
    EXPECT_EQ(set("q", R"("Policy":"{\"a\":1}")").status(), 200);
    EXPECT_EQ(attribute("q", "Policy"), R"({"a":1})");
    set("q", R"("Policy":"")");
    EXPECT_EQ(attribute("q", "Policy"), "");
}

TEST_F(QueueAttributesTest, RedrivePoliciesAreShownWithANumber) {
    make_queue("dlq");
    make_queue("q", redrive("dlq", R"(\"5\")"));
    EXPECT_EQ(
        attribute("q", "RedrivePolicy"),
        R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":5})"
    );
    make_queue("q", redrive("dlq", "5"));
    EXPECT_EQ(set("q", R"("RedrivePolicy":"")").status(), 200);
    EXPECT_EQ(attribute("q", "RedrivePolicy"), "");
}

TEST_F(QueueAttributesTest, RedrivePoliciesAreChecked) {
    make_queue("q");
    make_queue("dlq");
    make_queue("dlq.fifo");
    const auto reason = [&](const std::string& attribute) {
        const TestReply& reply = set("q", attribute);
        EXPECT_EQ(reply.code(), "InvalidParameterValue") << attribute;
        const std::string message = reply.message();
        const std::size_t at = message.find("Reason: ");
        return at == std::string::npos ? message : message.substr(at + 8);
    };
    EXPECT_EQ(
        reason(redrive("dlq", "1001")),
        "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."
    );
    EXPECT_THAT(reason(redrive("dlq", "0")), HasSubstr("maxReceiveCount: 0"));
    EXPECT_THAT(reason(redrive("dlq", R"(\"x\")")), HasSubstr("maxReceiveCount: x"));
    EXPECT_EQ(reason(redrive("missing", "1")), "Dead letter target does not exist.");
    EXPECT_EQ(
        reason(redrive("dlq.fifo", "1")),
        "Dead-letter queue must be same type of queue as the source."
    );
    EXPECT_EQ(reason(redrive("q", "1")), "A queue cannot be its own dead letter target.");
    EXPECT_EQ(
        reason(R"("RedrivePolicy":"{\"deadLetterTargetArn\":\"x\",\"maxReceiveCount\":1}")"),
        "Invalid value for deadLetterTargetArn."
    );
    EXPECT_THAT(reason(R"("RedrivePolicy":"{\"maxReceiveCount\":1}")"), HasSubstr("mandatory"));
    EXPECT_EQ(set("q", R"("RedrivePolicy":"{")").code(), "InvalidAttributeValue");
    EXPECT_EQ(create(redrive("missing", "1")).code(), "InvalidParameterValue");
}

TEST_F(QueueAttributesTest, DeadLetterQueuesChooseTheirSources) {
    make_queue("dlq");
    make_queue("a");
    make_queue("b");
    const auto allow = [&](const std::string& policy) -> TestReply& {
        return set("dlq", R"("RedriveAllowPolicy":")" + policy + "\"");
    };
    EXPECT_EQ(
        allow(R"({\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:x:1:a\"]})")
            .status(),
        200
    );
    EXPECT_EQ(set("a", redrive("dlq", "1")).status(), 200);
    EXPECT_EQ(set("b", redrive("dlq", "1")).code(), "InvalidParameterValue");
    EXPECT_EQ(allow(R"({\"redrivePermission\":\"denyAll\"})").status(), 200);
    EXPECT_EQ(set("a", redrive("dlq", "2")).code(), "InvalidParameterValue");
    EXPECT_EQ(allow(R"({\"redrivePermission\":\"allowAll\"})").status(), 200);
    EXPECT_EQ(set("b", redrive("dlq", "1")).status(), 200);
    for (const char* bad :
         {"{",
          R"({\"redrivePermission\":\"x\"})",
          R"({\"redrivePermission\":\"byQueue\"})",
          R"({\"redrivePermission\":\"denyAll\",\"sourceQueueArns\":[]})"}) {
        EXPECT_EQ(allow(bad).status(), 400) << bad;
    }
}

}  // namespace
}  // namespace tranter::sqs
