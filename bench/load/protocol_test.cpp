#include "load/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string http(std::string_view status, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) +
           "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::unique_ptr<Protocol> sqs() {
    return make_sqs_protocol({.port = 9324, .body_bytes = 20});
}

std::unique_ptr<Protocol> beanstalk() {
    return make_beanstalk_protocol({.port = 11300, .body_bytes = 20});
}

std::unique_ptr<Protocol> redis() {
    return make_redis_protocol({.port = 6379, .body_bytes = 20});
}

std::unique_ptr<Protocol> amqp() {
    return make_amqp_protocol({.port = 5672, .body_bytes = 20});
}

TEST(SqsProtocolTest, DeclaresTheLengthOfTheBodyItSends) {
    std::string request;
    sqs()->send(request, 10, "");

    const auto head_end = request.find("\r\n\r\n");
    ASSERT_NE(head_end, std::string::npos);
    const std::size_t body = request.size() - head_end - 4;
    EXPECT_THAT(request, HasSubstr("Content-Length: " + std::to_string(body) + "\r\n"));
    EXPECT_THAT(request, HasSubstr("X-Amz-Target: AmazonSQS.SendMessageBatch\r\n"));
}

TEST(SqsProtocolTest, StampsEveryBody) {
    std::string request;
    sqs()->send(request, 3, "STAMP");

    std::size_t found = 0;
    for (auto at = request.find("STAMP"); at != request.npos; at = request.find("STAMP", at + 1)) {
        ++found;
    }
    EXPECT_EQ(found, 3U);
}

TEST(SqsProtocolTest, WaitsForTheWholeAnswer) {
    const std::string whole = http("200 OK", R"({"MessageId":"1"})");
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        Answer answer;
        const auto length =
            sqs()->read(Op::send, 1, std::string_view(whole).substr(0, bytes), answer);
        ASSERT_TRUE(length.has_value()) << length.error();
        EXPECT_EQ(*length, 0U);
    }
    Answer answer;
    EXPECT_EQ(sqs()->read(Op::send, 1, whole, answer), whole.size());
    EXPECT_EQ(answer.messages, 1U);
}

TEST(SqsProtocolTest, FindsHandlesAndBodies) {
    const std::string input = http(
        "200 OK",
        R"({"Messages":[{"MessageId":"1","ReceiptHandle":"h1","MD5OfBody":"x","Body":"b1"},)"
        R"({"MessageId":"2","ReceiptHandle":"h2","MD5OfBody":"x","Body":"b2\"ReceiptHandle"}]})"
    );
    Answer answer;

    ASSERT_EQ(sqs()->read(Op::receive, 10, input, answer), input.size());

    EXPECT_THAT(answer.handles, ElementsAre("h1", "h2"));
    EXPECT_EQ(answer.bodies[0], "b1");
    EXPECT_EQ(answer.messages, 2U);
}

TEST(SqsProtocolTest, TakesAnythingButFullSuccessForAnError) {
    const std::string bad_answers[] = {
        http("400 Bad Request", R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})"),
        http("200 OK", R"({"Successful":[{"Id":"0","MessageId":"1"}],"Failed":[{"Id":"1"}]})"),
        http("200 OK", R"({"Successful":[{"Id":"0","MessageId":"1"}]})"),
        "HTTP/1.1 200 OK\r\n\r\n",
    };
    for (const std::string& input : bad_answers) {
        Answer answer;
        EXPECT_FALSE(sqs()->read(Op::send, 2, input, answer).has_value()) << input;
    }
}

TEST(BeanstalkProtocolTest, PipelinesABatch) {
    std::string request;
    beanstalk()->remove(request, std::vector<std::string_view>{"7", "8"});

    EXPECT_EQ(request, "delete 7\r\ndelete 8\r\n");
}

TEST(BeanstalkProtocolTest, ReadsJobsAndTimeouts) {
    const std::string input = "RESERVED 12 5\r\na\r\nbc\r\nTIMED_OUT\r\n";
    Answer answer;

    ASSERT_EQ(beanstalk()->read(Op::receive, 2, input, answer), input.size());

    EXPECT_THAT(answer.handles, ElementsAre("12"));
    EXPECT_THAT(answer.bodies, ElementsAre("a\r\nbc"));
    EXPECT_EQ(answer.messages, 1U);
}

TEST(BeanstalkProtocolTest, TakesAnUnexpectedLineForAnError) {
    Answer answer;
    EXPECT_FALSE(beanstalk()->read(Op::remove, 1, "NOT_FOUND\r\n", answer).has_value());
    EXPECT_FALSE(beanstalk()->read(Op::send, 1, "OUT_OF_MEMORY\r\n", answer).has_value());
    EXPECT_FALSE(beanstalk()->read(Op::receive, 1, "RESERVED 1\r\n", answer).has_value());
}

TEST(RedisProtocolTest, PushesABatchAtOnce) {
    std::string request;
    redis()->send(request, 2, "STAMP");

    EXPECT_THAT(request, StartsWith("*4\r\n$5\r\nLPUSH\r\n$5\r\nbench\r\n$20\r\nSTAMP"));
    EXPECT_THAT(request, EndsWith("\r\n"));
}

TEST(RedisProtocolTest, TakesAnythingButALengthForAnError) {
    Answer answer;
    EXPECT_EQ(redis()->read(Op::send, 2, ":12", answer), 0U);
    EXPECT_EQ(redis()->read(Op::send, 2, ":12\r\n", answer), 5U);
    EXPECT_EQ(answer.messages, 2U);
    EXPECT_FALSE(redis()->read(Op::send, 1, "-OOM\r\n", answer).has_value());
}

/// A method frame of channel 1: class and method, then its arguments.
std::string amqp_method(std::string_view method, std::string_view arguments) {
    std::string frame("\x01\x00\x01\x00\x00\x00", 6);
    frame += static_cast<char>(method.size() + arguments.size());
    return frame.append(method).append(arguments) + '\xCE';
}

/// Confirms the message with this tag, and all before it when `multiple`.
std::string amqp_ack(char tag, bool multiple) {
    std::string arguments(7, '\0');
    arguments += tag;
    arguments += multiple ? '\1' : '\0';
    return amqp_method({"\0\x3C\0\x50", 4}, arguments);
}

TEST(AmqpProtocolTest, WaitsForTheConfirmationOfEveryMessageOfABatch) {
    const std::string handshake = amqp_method({"\0\x0A\0\x0A", 4}, "");
    const std::string input = handshake + amqp_ack(6, false) + amqp_ack(5, true);
    Answer answer;

    EXPECT_EQ(amqp()->read(Op::send, 3, handshake + amqp_ack(6, false), answer), 0U);
    EXPECT_EQ(amqp()->read(Op::send, 3, input.substr(0, input.size() - 1), answer), 0U);
    EXPECT_EQ(amqp()->read(Op::send, 3, input, answer), input.size());
    EXPECT_EQ(answer.messages, 3U);
}

TEST(AmqpProtocolTest, TakesARefusalForAnError) {
    const std::string closed = amqp_method({"\0\x14\0\x28", 4}, "\x01\x94gone");
    Answer answer;

    EXPECT_FALSE(amqp()->read(Op::send, 1, closed, answer).has_value());
}

TEST(AmqpProtocolTest, DeclaresTheSizeOfTheBodyThatItSends) {
    std::string request;
    amqp()->send(request, 1, "STAMP");

    const auto body = request.find("STAMP");
    ASSERT_NE(body, std::string::npos);
    EXPECT_EQ(request.substr(body - 4, 4), std::string("\0\0\0\x14", 4));
    EXPECT_EQ(request.size(), body + 20 + 1);
}

}  // namespace
}  // namespace tranter::bench
