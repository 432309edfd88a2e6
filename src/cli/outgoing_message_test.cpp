#include "cli/outgoing_message.hpp"

#include "cli/message_record.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

std::string line(std::string_view text, const SendOptions& options = {}) {
    const auto message = outgoing_message_of_line(options, text);
    return message ? message->dump() : message.error().message();
}

TEST(MessageAttributeTest, HasATypeOnlyWhenItEndsInOne) {
    const auto attribute = [](std::string_view text) {
        const auto parsed = parse_message_attribute(text);
        return parsed ? parsed->name + " " + parsed->value.dump() : parsed.error().message();
    };

    EXPECT_EQ(attribute("a=b"), R"(a {"DataType":"String","StringValue":"b"})");
    EXPECT_EQ(attribute("n=42:Number"), R"(n {"DataType":"Number","StringValue":"42"})");
    EXPECT_EQ(attribute("n=4:Number.int"), R"(n {"DataType":"Number.int","StringValue":"4"})");
    EXPECT_EQ(attribute("b=AAE=:Binary"), R"(b {"DataType":"Binary","BinaryValue":"AAE="})");
    EXPECT_EQ(attribute("u=http://h:80"), R"(u {"DataType":"String","StringValue":"http://h:80"})");
    EXPECT_EQ(attribute("a"), "--attribute is 'a', expected NAME=VALUE");
    EXPECT_EQ(attribute("a=\xff"), "--attribute 'a=\\xff' is not valid UTF-8");
}

TEST(OutgoingMessageTest, RefusesBodiesThatCannotBeSent) {
    EXPECT_EQ(
        outgoing_message({}, "").error().message(),
        "the body is empty, expected at least one character"
    );
    EXPECT_EQ(
        outgoing_message({}, "\xff").error().message(),
        "the body '\\xff' is not valid UTF-8, expected text"
    );
}

TEST(OutgoingMessageTest, ALineWinsOverTheOptions) {
    const SendOptions options{.group = "all", .delay_seconds = 1};

    EXPECT_EQ(
        line(R"({"body":"b"})", options),
        R"({"MessageBody":"b","DelaySeconds":1,"MessageGroupId":"all"})"
    );
    EXPECT_EQ(
        line(R"({"body":"b","group":"own","delay":"5s","dedup_id":"d"})", options),
        R"({"MessageBody":"b","DelaySeconds":5,"MessageGroupId":"own","MessageDeduplicationId":"d"})"
    );
}

TEST(OutgoingMessageTest, ReadsWhatReceivePrints) {
    const Json received = Json::parse(R"({
        "MessageId": "id", "ReceiptHandle": "r", "Body": "b",
        "Attributes": {"SentTimestamp": "1767323045678", "ApproximateReceiveCount": "2",
                       "MessageGroupId": "g",
                       "DeadLetterQueueSourceArn": "arn:aws:sqs:r:1:source"},
        "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1"},
                              "b": {"DataType": "Binary", "BinaryValue": "AAE="}}
    })")
                              .value();
    const Json record = message_record(received);

    EXPECT_EQ(record["sent_at"].text(), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(record["receive_count"].number(), 2);
    EXPECT_EQ(record["dead_letter_source"].text(), "source");
    EXPECT_EQ(
        line(record.dump()),
        R"({"MessageBody":"b","MessageAttributes":{"n":{"DataType":"Number","StringValue":"1"},)"
        R"("b":{"DataType":"Binary","BinaryValue":"AAE="}},"MessageGroupId":"g"})"
    );
}

TEST(OutgoingMessageTest, SaysWhatIsWrongWithALine) {
    EXPECT_TRUE(line("not json").starts_with("'not json' is not a JSON object"))
        << line("not json");
    EXPECT_TRUE(line("[1]").starts_with("'[1]' is not a JSON object"));
    EXPECT_EQ(line(R"({"bdoy":"x"})"), "unknown member 'bdoy' (did you mean body?)");
    EXPECT_EQ(line(R"({"body":1})"), "\"body\" is 1, expected a text");
    EXPECT_EQ(line("{}"), "the body is empty, expected at least one character");
    EXPECT_EQ(
        line(R"({"body":"b","attributes":{"a":1}})"),
        "attribute 'a' is 1, expected a text or an object with type and value"
    );
    EXPECT_EQ(line(R"({"body":"b","attributes":[]})"), "\"attributes\" is not an object");
    EXPECT_TRUE(line(R"({"body":"b","delay":"5"})").starts_with("\"delay\": "));
}

}  // namespace
}  // namespace tranter::cli
