#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class ReceiveTest : public ServiceTest {
  protected:
    ReceiveTest() { make_queue("q"); }

    void send_body(std::string_view queue, std::string_view body) {
        const std::string members = R"("MessageBody":")" + std::string(body) + "\"";
        ASSERT_EQ(on(queue, "SendMessage", members).status(), 200);
    }
    TestReply& get(std::string_view members = "", std::string_view queue = "q") {
        return on(queue, "ReceiveMessage", members);
    }
};

TEST_F(ReceiveTest, EmptyAnswersHaveNoMessages) {
    EXPECT_EQ(get().body(), "{}");
    EXPECT_THAT(
        query("Action=ReceiveMessage&QueueUrl=q").body(),
        HasSubstr("<ReceiveMessageResult></ReceiveMessageResult>")
    );
}

TEST_F(ReceiveTest, MessagesHaveBodyDigestAndHandle) {
    send_body("q", R"(a\r\nb)");
    const TestReply& reply = get();
    EXPECT_EQ(reply.at("Messages/0/Body"), "a\r\nb");
    EXPECT_EQ(reply.at("Messages/0/MD5OfBody"), "65d5f03c46e62e3f2babbe712d2ce464");
    EXPECT_EQ(reply.at("Messages/0/ReceiptHandle").size(), 38U);
    EXPECT_EQ(reply.at("Messages/0/Attributes"), "");
    EXPECT_EQ(get().body(), "{}");
    clock.advance(seconds(30));
    EXPECT_THAT(
        query("Action=ReceiveMessage&QueueUrl=q").body(), HasSubstr("<Body>a&#13;\nb</Body>")
    );
}

TEST_F(ReceiveTest, SystemAttributesAreSelected) {
    send_body("q", "x");
    clock.advance(std::chrono::milliseconds(1500));
    const TestReply& reply =
        get(R"("AttributeNames":["SentTimestamp"],"MessageSystemAttributeNames":["All"])");
    EXPECT_EQ(
        reply.at("Messages/0/Attributes"),
        R"({"ApproximateFirstReceiveTimestamp":"1767323046500","ApproximateReceiveCount":"1",)"
        R"("SenderId":"AIDAIT2UOQQY3AUEKVGXU","SentTimestamp":"1767323045000"})"
    );
    clock.advance(seconds(30));
    EXPECT_EQ(
        get(R"("AttributeNames":["ApproximateReceiveCount"])").at("Messages/0/Attributes"),
        R"({"ApproximateReceiveCount":"2"})"
    );
    EXPECT_EQ(get(R"("AttributeNames":["Nope"])").code(), "InvalidAttributeName");
}

TEST_F(ReceiveTest, AttributesThatAMessageDoesNotHaveAreLeftOut) {
    send_body("q", "x");
    EXPECT_EQ(
        get(R"("AttributeNames":["AWSTraceHeader","MessageGroupId","SequenceNumber"])")
            .at("Messages/0/Attributes"),
        ""
    );
}

TEST_F(ReceiveTest, MessageAttributesAreFilteredAndTheDigestCoversWhatIsReturned) {
    on("q",
       "SendMessage",
       R"("MessageBody":"x","MessageAttributes":{"foo":{"DataType":"String","StringValue":"bar"},)"
       R"("b":{"DataType":"Binary","BinaryValue":"AAH/"},)"
       R"("n":{"DataType":"Number","StringValue":"42"}})");
    const auto again = [&](std::string_view names) -> TestReply& {
        clock.advance(seconds(30));
        return get(R"("MessageAttributeNames":[)" + std::string(names) + "]");
    };
    EXPECT_EQ(get().at("Messages/0/MessageAttributes"), "");
    const TestReply& one = again(R"("fo.*","AWS.","..x")");
    EXPECT_EQ(
        one.at("Messages/0/MessageAttributes"),
        R"({"foo":{"StringValue":"bar","DataType":"String"}})"
    );
    EXPECT_EQ(one.at("Messages/0/MD5OfMessageAttributes"), "d8062e30406ad939a86bacea477e5a26");
    EXPECT_EQ(
        again(R"("b")").at("Messages/0/MessageAttributes/b"),
        R"({"BinaryValue":"AAH/","DataType":"Binary"})"
    );
    for (const char* name : {"\"All\"", "\".*\"", "\"*\""}) {
        EXPECT_EQ(again(name).at("Messages/0/MessageAttributes/n/StringValue"), "42") << name;
    }
    const TestReply& none = again(R"("nothing")");
    EXPECT_EQ(none.at("Messages/0/MessageAttributes"), "");
    EXPECT_EQ(none.at("Messages/0/MD5OfMessageAttributes"), "");
    clock.advance(seconds(30));
    EXPECT_THAT(
        query("Action=ReceiveMessage&QueueUrl=q&MessageAttributeName.1=foo").body(),
        HasSubstr("<MessageAttribute><Name>foo</Name><Value><StringValue>bar</StringValue>"
                  "<DataType>String</DataType></Value></MessageAttribute>")
    );
}

TEST_F(ReceiveTest, NumbersAreChecked) {
    EXPECT_EQ(
        get(R"("MaxNumberOfMessages":11)").message(),
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, "
        "if provided."
    );
    EXPECT_EQ(
        get(R"("WaitTimeSeconds":21)").message(),
        "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if "
        "provided."
    );
    for (const char* members :
         {R"("MaxNumberOfMessages":0)",
          R"("WaitTimeSeconds":-1)",
          R"("VisibilityTimeout":43201)",
          R"("VisibilityTimeout":2147483648)",
          R"("VisibilityTimeout":-9223372036854775808)"}) {
        EXPECT_EQ(get(members).code(), "InvalidParameterValue") << members;
    }
}

TEST_F(ReceiveTest, AnExplicitVisibilityTimeoutIsHonoured) {
    send_body("q", "x");
    EXPECT_NE(get(R"("VisibilityTimeout":0)").body(), "{}");
    EXPECT_NE(get(R"("VisibilityTimeout":5)").body(), "{}");
    EXPECT_EQ(get().body(), "{}");
    clock.advance(seconds(5));
    EXPECT_EQ(
        get(R"("AttributeNames":["ApproximateReceiveCount"])")
            .at("Messages/0/Attributes/ApproximateReceiveCount"),
        "3"
    );
}

TEST_F(ReceiveTest, ALongPollIsAnsweredByASend) {
    const TestReply& poll = get(R"("WaitTimeSeconds":20,"AttributeNames":["SenderId"])");
    ASSERT_FALSE(poll.answered);
    EXPECT_EQ(poll.deadline_after, seconds(20));
    send_body("q", "x");
    ASSERT_TRUE(poll.answered);
    EXPECT_EQ(poll.at("Messages/0/Body"), "x");
    EXPECT_EQ(poll.at("Messages/0/Attributes/SenderId"), "AIDAIT2UOQQY3AUEKVGXU");
}

TEST_F(ReceiveTest, ALongPollEndsEmptyAtItsDeadline) {
    TestReply& poll = get(R"("WaitTimeSeconds":20)");
    auto deadline = std::move(poll.deadline);
    deadline();
    EXPECT_EQ(poll.body(), "{}");
    send_body("q", "x");
    EXPECT_NE(get().body(), "{}");
}

TEST_F(ReceiveTest, AClientThatLeavesTakesNoMessage) {
    TestReply& poll = get(R"("WaitTimeSeconds":20)");
    auto disconnect = std::move(poll.disconnect);
    disconnect();
    send_body("q", "x");
    EXPECT_NE(get().body(), "{}");
}

TEST_F(ReceiveTest, MessagesThatWereNotWrittenAreVisibleAtOnce) {
    send_body("q", "x");
    TestReply& lost = get();
    ASSERT_TRUE(lost.settle);
    lost.settle(false);
    TestReply& again = get(R"("AttributeNames":["ApproximateReceiveCount"])");
    EXPECT_EQ(again.at("Messages/0/Attributes/ApproximateReceiveCount"), "1");
    again.settle(true);
    EXPECT_EQ(get().body(), "{}");
}

TEST_F(ReceiveTest, TheQueuesOwnWaitTimeIsTheDefault) {
    make_queue("slow", R"("ReceiveMessageWaitTimeSeconds":"7")");
    EXPECT_EQ(get("", "slow").deadline_after, seconds(7));
    EXPECT_EQ(get(R"("WaitTimeSeconds":0)", "slow").body(), "{}");
    broker.stop();  // the waiting poll holds its queue
}

TEST_F(ReceiveTest, DeletingTheQueueEndsLongPolls) {
    const TestReply& poll = get(R"("WaitTimeSeconds":20)");
    on("q", "DeleteQueue");
    EXPECT_EQ(poll.body(), "{}");
}

TEST_F(ReceiveTest, StoppingEndsLongPolls) {
    const TestReply& poll = get(R"("WaitTimeSeconds":20)");
    broker.stop();
    EXPECT_EQ(poll.body(), "{}");
}

TEST_F(ReceiveTest, TooManyInFlightIsAnErrorOfShortPollsOnly) {
    ServiceOptions options;
    options.max_in_flight = 1;
    restart(std::move(options));
    make_queue("small");
    send_body("small", "x");
    send_body("small", "y");
    EXPECT_EQ(get("", "small").status(), 200);
    const TestReply& reply = get("", "small");
    EXPECT_EQ(reply.status(), 403);
    EXPECT_EQ(reply.code(), "OverLimit");
    EXPECT_FALSE(get(R"("WaitTimeSeconds":1)", "small").answered);
    broker.stop();  // the waiting poll holds its queue
}

TEST_F(ReceiveTest, DeadLettersSayWhereTheyCameFrom) {
    make_queue("dlq");
    make_queue(
        "src",
        R"("VisibilityTimeout":"0","RedrivePolicy":"{\"deadLetterTargetArn\":)"
        R"(\"arn:aws:sqs:us-east-1:000000000000:dlq\",\"maxReceiveCount\":1}")"
    );
    send_body("src", "x");
    EXPECT_NE(get("", "src").body(), "{}");
    EXPECT_EQ(get("", "src").body(), "{}");
    const TestReply& dead = get(R"("AttributeNames":["All"])", "dlq");
    EXPECT_EQ(
        dead.at("Messages/0/Attributes/DeadLetterQueueSourceArn"),
        "arn:aws:sqs:us-east-1:000000000000:src"
    );
    EXPECT_EQ(dead.at("Messages/0/Attributes/ApproximateReceiveCount"), "2");
}

TEST_F(ReceiveTest, AttemptIdsReturnTheSameMessages) {
    make_queue("q.fifo", R"("ContentBasedDeduplication":"true")");
    on("q.fifo", "SendMessage", R"("MessageBody":"x","MessageGroupId":"g")");
    const std::string first =
        get(R"("ReceiveRequestAttemptId":"a")", "q.fifo").at("Messages/0/ReceiptHandle");
    EXPECT_NE(first, "");
    EXPECT_EQ(
        get(R"("ReceiveRequestAttemptId":"a")", "q.fifo").at("Messages/0/ReceiptHandle"), first
    );
    EXPECT_EQ(get(R"("ReceiveRequestAttemptId":"a b")", "q.fifo").code(), "InvalidParameterValue");
    EXPECT_EQ(get(R"("ReceiveRequestAttemptId":"a")").code(), "InvalidParameterValue");
}

TEST_F(ReceiveTest, TheSenderIsTheAccessKey) {
    send(
        {.body = R"({"QueueUrl":"q","MessageBody":"x"})",
         .headers =
             {{"X-Amz-Target", "AmazonSQS.SendMessage"},
              {"Authorization",
               "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sqs/aws4_request"}}}
    );
    EXPECT_EQ(
        get(R"("AttributeNames":["SenderId"])").at("Messages/0/Attributes/SenderId"), "AKIDEXAMPLE"
    );
}

}  // namespace
}  // namespace tranter::sqs
