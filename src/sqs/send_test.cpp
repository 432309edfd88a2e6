#include "sqs/input.hpp"
#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using ::testing::HasSubstr;

class SendTest : public ServiceTest {
  protected:
    TestReply& send_to(std::string_view queue, std::string_view members) {
        return on(queue, "SendMessage", members);
    }
    TestReply& batch(std::string_view queue, std::string_view entries) {
        return on(queue, "SendMessageBatch", R"("Entries":[)" + std::string(entries) + "]");
    }
    TestReply& receive_all(std::string_view queue) {
        return on(
            queue,
            "ReceiveMessage",
            R"("MaxNumberOfMessages":10,"AttributeNames":["All"],"MessageAttributeNames":["All"])"
        );
    }
};

TEST_F(SendTest, AnswersIdAndDigests) {
    make_queue("q");
    const TestReply& reply = send_to(
        "q",
        R"("MessageBody":"hello","MessageAttributes":{"foo":{"DataType":"String","StringValue":"bar"}},)"
        R"("MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":)"
        R"("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}})"
    );
    EXPECT_EQ(reply.status(), 200) << reply.body();
    EXPECT_EQ(reply.at("MD5OfMessageBody"), "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(reply.at("MD5OfMessageAttributes"), "d8062e30406ad939a86bacea477e5a26");
    EXPECT_EQ(reply.at("MD5OfMessageSystemAttributes"), "5ae4d5d7636402d80f4eb6d213245a88");
    EXPECT_EQ(reply.at("MessageId").size(), 36U);
    EXPECT_EQ(reply.at("SequenceNumber"), "");
    EXPECT_EQ(receive_all("q").at("Messages/0/MessageId"), reply.at("MessageId"));
}

TEST_F(SendTest, BodiesAreRequiredAndMayOnlyHaveXmlCharacters) {
    make_queue("q");
    EXPECT_EQ(
        send_to("q", R"("MessageBody":"")").message(),
        "The request must contain the parameter MessageBody."
    );
    EXPECT_EQ(send_to("q", R"("DelaySeconds":0)").code(), "MissingParameter");
    for (const char* body : {R"(a\u0000b)", R"(a\ufffeb)", R"(\ud800)"}) {
        EXPECT_EQ(
            send_to("q", R"("MessageBody":")" + std::string(body) + "\"").code(),
            "InvalidMessageContents"
        );
    }
    EXPECT_THAT(
        query("Action=SendMessage&QueueUrl=q&MessageBody=%C0%AF").body(),
        HasSubstr("<Code>InvalidMessageContents</Code>")
    );
}

TEST_F(SendTest, TheSizeLimitCountsBodyAndAttributes) {
    make_queue("q", R"("MaximumMessageSize":"1024")");
    const auto sized = [&](std::size_t body, std::size_t value) -> TestReply& {
        return send_to(
            "q",
            R"("MessageBody":")" + std::string(body, 'a') +
                R"(","MessageAttributes":{"k":{"DataType":"String","StringValue":")" +
                std::string(value, 'v') + "\"}}"
        );
    };
    EXPECT_EQ(sized(1000, 17).status(), 200);
    EXPECT_EQ(
        sized(1000, 18).message(),
        "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    );
    const TestReply& reply = batch(
        "q",
        R"({"Id":"a","MessageBody":")" + std::string(1025, 'a') +
            R"("},{"Id":"b","MessageBody":"x"})"
    );
    EXPECT_EQ(reply.status(), 200);
    EXPECT_EQ(reply.at("Successful/0/Id"), "b");
    EXPECT_EQ(reply.at("Failed/0/Code"), "InvalidParameterValue");
    EXPECT_EQ(reply.at("Failed/0/SenderFault"), "true");
    EXPECT_EQ(
        reply.at("Failed/0/Message"),
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 "
        "bytes."
    );
}

TEST_F(SendTest, DelaysAreChecked) {
    make_queue("q");
    make_queue("q.fifo");
    for (const char* delay : {"-1", "901", "0.5", "\"x\""}) {
        const TestReply& reply =
            send_to("q", R"("MessageBody":"x","DelaySeconds":)" + std::string(delay));
        EXPECT_EQ(reply.code(), "InvalidParameterValue") << delay;
    }
    EXPECT_EQ(
        send_to("q", R"("MessageBody":"x","DelaySeconds":901)").message(),
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and "
        "<= 900."
    );
    EXPECT_EQ(
        send_to(
            "q.fifo",
            R"("MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"d","DelaySeconds":2)"
        )
            .message(),
        "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that "
        "is not valid for this queue type."
    );
    send_to("q", R"("MessageBody":"x","DelaySeconds":60)");
    EXPECT_EQ(attribute("q", "ApproximateNumberOfMessagesDelayed"), "1");
}

TEST_F(SendTest, FifoQueuesNeedGroupAndDeduplicationId) {
    make_queue("q.fifo");
    EXPECT_EQ(send_to("q.fifo", R"("MessageBody":"x")").code(), "MissingParameter");
    EXPECT_EQ(
        send_to("q.fifo", R"("MessageBody":"x","MessageGroupId":"g")").message(),
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly"
    );
    const TestReply& whole = batch(
        "q.fifo",
        R"({"Id":"a","MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"1"},)"
        R"({"Id":"b","MessageBody":"x","MessageDeduplicationId":"2"})"
    );
    EXPECT_EQ(whole.status(), 400);
    EXPECT_EQ(whole.code(), "InvalidParameterValue");
    const TestReply& good =
        send_to("q.fifo", R"("MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"1")");
    EXPECT_EQ(good.at("SequenceNumber").size(), 20U);
    const TestReply& again =
        send_to("q.fifo", R"("MessageBody":"y","MessageGroupId":"g","MessageDeduplicationId":"1")");
    EXPECT_EQ(again.at("MessageId"), good.at("MessageId"));
    EXPECT_EQ(again.at("SequenceNumber"), good.at("SequenceNumber"));
    EXPECT_EQ(again.at("MD5OfMessageBody"), "415290769594460e2e485922904f345d");
}

TEST_F(SendTest, ContentBasedIdsAreTheHashOfTheBody) {
    make_queue("q.fifo", R"("ContentBasedDeduplication":"true")");
    send_to("q.fifo", R"("MessageBody":"abc","MessageGroupId":"g")");
    EXPECT_EQ(
        receive_all("q.fifo").at("Messages/0/Attributes/MessageDeduplicationId"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

TEST_F(SendTest, IdsAreChecked) {
    make_queue("q");
    make_queue("q.fifo");
    for (const std::string& group :
         {std::string("a b"), std::string(129, 'g'), std::string("\u00e9")}) {
        EXPECT_EQ(
            send_to(
                "q.fifo",
                R"("MessageBody":"x","MessageDeduplicationId":"d","MessageGroupId":")" + group +
                    "\""
            )
                .message(),
            "Value " + group +
                " for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
                "alphanumeric and punctuation characters. 1 to 128 in length."
        );
    }
    EXPECT_EQ(
        send_to("q", R"("MessageBody":"x","MessageDeduplicationId":"d")").message(),
        "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a "
        "parameter that is not valid for this queue type."
    );
    EXPECT_EQ(send_to("q", R"("MessageBody":"x","MessageGroupId":"g")").status(), 200);
    EXPECT_EQ(receive_all("q").at("Messages/0/Attributes/MessageGroupId"), "g");
}

TEST_F(SendTest, BatchesAreCheckedAsAWhole) {
    make_queue("q");
    EXPECT_EQ(
        batch("q", "").message(),
        "There should be at least one SendMessageBatchRequestEntry in the request."
    );
    std::string eleven;
    for (int i = 0; i < 11; ++i) {
        eleven += (i == 0 ? "" : ",") + std::string(R"({"Id":"i)") + std::to_string(i) +
                  R"(","MessageBody":"x"})";
    }
    EXPECT_EQ(
        batch("q", eleven).message(),
        "Maximum number of entries per request are 10. You have sent 11."
    );
    EXPECT_EQ(
        batch("q", R"({"Id":"a b","MessageBody":"x"})").message(),
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It "
        "can "
        "be at most 80 letters long."
    );
    EXPECT_EQ(
        batch("q", R"({"Id":"a","MessageBody":"x"},{"Id":"a","MessageBody":"y"})").message(),
        "Id a repeated."
    );
    const std::string half(600'000, 'a');
    EXPECT_EQ(
        batch(
            "q",
            R"({"Id":"a","MessageBody":")" + half + R"("},{"Id":"b","MessageBody":")" + half + "\"}"
        )
            .message(),
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes."
    );
    EXPECT_EQ(attribute("q", "ApproximateNumberOfMessages"), "0");
}

TEST_F(SendTest, AllSucceededBatchesHaveNoFailed) {
    make_queue("q");
    const TestReply& good = batch("q", R"({"Id":"a","MessageBody":"x"})");
    EXPECT_EQ(good.at("Failed"), "");
    EXPECT_EQ(good.at("Successful/0/MD5OfMessageBody"), "9dd4e461268c8034f5c8564e155c67a6");
    const TestReply& bad = batch("q", R"({"Id":"a","MessageBody":""})");
    EXPECT_EQ(bad.at("Successful"), "[]");
    EXPECT_EQ(bad.at("Failed/0/Code"), "MissingParameter");
    EXPECT_THAT(
        query("Action=SendMessageBatch&QueueUrl=q&SendMessageBatchRequestEntry.1.Id=a"
              "&SendMessageBatchRequestEntry.1.MessageBody=x&SendMessageBatchRequestEntry.2.Id=b"
              "&SendMessageBatchRequestEntry.2.MessageBody=x"
              "&SendMessageBatchRequestEntry.2.DelaySeconds=9999")
            .body(),
        HasSubstr("<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault>"
                  "<Code>InvalidParameterValue</Code>")
    );
}

TEST_F(SendTest, SystemAttributesAreOnlyTheTraceHeader) {
    make_queue("q");
    EXPECT_EQ(
        send_to(
            "q",
            R"("MessageBody":"x","MessageSystemAttributes":{"X":{"DataType":"String","StringValue":"v"}})"
        )
            .code(),
        "InvalidParameterValue"
    );
    send(
        {.body = R"({"QueueUrl":"q","MessageBody":"x"})",
         .headers = {{"X-Amz-Target", "AmazonSQS.SendMessage"}, {"X-Amzn-Trace-Id", "Root=1-2"}}}
    );
    EXPECT_EQ(receive_all("q").at("Messages/0/Attributes/AWSTraceHeader"), "Root=1-2");
}

TEST_F(SendTest, RelaxedLimitsLiftWhatElasticMqLifts) {
    ServiceOptions options;
    options.limits = Limits::relaxed;
    restart(std::move(options));
    make_queue("q", R"("MaximumMessageSize":"1024")");
    EXPECT_EQ(send_to("q", R"("MessageBody":")" + std::string(2000, 'a') + "\"").status(), 200);
    EXPECT_EQ(send_to("q", R"("MessageBody":"a\u0001")").status(), 200);
    std::string twelve;
    for (int i = 0; i < 12; ++i) {
        twelve += (i == 0 ? "" : ",") + std::string(R"({"Id":"i)") + std::to_string(i) +
                  R"(","MessageBody":"x"})";
    }
    EXPECT_EQ(batch("q", twelve).at("Successful/11/Id"), "i11");
    EXPECT_EQ(on("q", "ReceiveMessage", R"("MaxNumberOfMessages":14)").at("Messages/13/Body"), "x");
}

TEST_F(SendTest, NoLimitsAllowBatchesWithoutEnd) {
    ServiceOptions options;
    options.limits = Limits::relaxed;
    restart(std::move(options));
    make_queue("q");
    std::string entries = "{}";
    for (std::size_t i = 0; i < items_max; ++i)
        entries += ",{}";
    const TestReply& refused = batch("q", entries);
    EXPECT_EQ(refused.code(), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
    EXPECT_EQ(
        refused.message(), "Maximum number of entries per request are 10000. You have sent 10001."
    );
}

TEST_F(SendTest, CopiesAndMovesGoToTheOtherQueue) {
    broker::QueueSettings settings;
    settings.copy_to = "copies";
    ASSERT_TRUE(broker.create_queue("copied", settings));
    settings.copy_to = "";
    settings.move_to = "moves";
    ASSERT_TRUE(broker.create_queue("moved", settings));
    make_queue("copies");
    EXPECT_EQ(
        send_to("moved", R"("MessageBody":"x")").code(), "AWS.SimpleQueueService.NonExistentQueue"
    );
    make_queue("moves");
    const std::string id = send_to("copied", R"("MessageBody":"x")").at("MessageId");
    EXPECT_EQ(receive_all("copied").at("Messages/0/MessageId"), id);
    const TestReply& copy = receive_all("copies");
    EXPECT_EQ(copy.at("Messages/0/Body"), "x");
    EXPECT_NE(copy.at("Messages/0/MessageId"), id);
    const std::string moved = send_to("moved", R"("MessageBody":"x")").at("MessageId");
    EXPECT_EQ(receive_all("moves").at("Messages/0/MessageId"), moved);
    EXPECT_EQ(receive_all("moved").body(), "{}");
}

TEST_F(SendTest, GroupsMayBeFull) {
    broker::QueueSettings settings;
    settings.engine.groups.max_queued_per_group = 1;
    ASSERT_TRUE(broker.create_queue("q", settings));
    EXPECT_EQ(send_to("q", R"("MessageBody":"x","MessageGroupId":"g")").status(), 200);
    const TestReply& full = send_to("q", R"("MessageBody":"x","MessageGroupId":"g")");
    EXPECT_EQ(full.status(), 403);
    EXPECT_EQ(full.code(), "OverLimit");
}

}  // namespace
}  // namespace tranter::sqs
