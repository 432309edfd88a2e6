#include "providers/sqs_message.hpp"
#include "providers/sqs_receipt.hpp"
#include "providers/sqs_url.hpp"

#include <gtest/gtest.h>

namespace tranter::providers {
namespace {

TEST(SqsUrlTest, NamesEndpointAccountAndQueue) {
    const SqsUrl url =
        parse_sqs_url("sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/mail").value();

    EXPECT_EQ(url.endpoint.text, "https://sqs.eu-west-1.amazonaws.com");
    EXPECT_EQ(url.account, "123456789012");
    EXPECT_EQ(url.queue, "mail");
    EXPECT_EQ(url.queue_url("q"), "https://sqs.eu-west-1.amazonaws.com/123456789012/q");
}

TEST(SqsUrlTest, KeepsThePathThatStandsBeforeTheAccount) {
    const SqsUrl url = parse_sqs_url("sqs:http://proxy:81/a/b/123456789012/").value();

    EXPECT_EQ(url.endpoint.text, "http://proxy:81/a/b");
    EXPECT_EQ(url.queue, "");
    EXPECT_EQ(url.queue_url("q"), "http://proxy:81/a/b/123456789012/q");
}

TEST(SqsUrlTest, KnowsTheAccountOfThisMachine) {
    EXPECT_EQ(parse_sqs_url("sqs:http://localhost:9324").value().account, "000000000000");
}

TEST(SqsUrlTest, TakesADefaultType) {
    EXPECT_EQ(parse_sqs_url("sqs:http://[::1]:9324").value().default_type, "message");
    EXPECT_EQ(
        parse_sqs_url("sqs:http://[::1]:9324?default_type=a%3Ab").value().default_type, "a:b"
    );
}

TEST(SqsUrlTest, RefusesWhatCannotBeMeant) {
    for (const char* url :
         {"",
          "sqs:",
          "http://127.0.0.1:9324/000000000000",
          "sqs:ftp://127.0.0.1/000000000000",
          "sqs:http://user:secret@127.0.0.1/000000000000",
          "sqs:https://sqs.eu-west-1.amazonaws.com",
          "sqs:https://sqs.eu-west-1.amazonaws.com/12345",
          "sqs:http://127.0.0.1:9324/queue",
          "sqs:http://127.0.0.1:9324/000000000000/a/b",
          "sqs:http://127.0.0.1:9324/000000000000/a b",
          "sqs:http://127.0.0.1:9324/000000000000?default_typ=a",
          "sqs:http://127.0.0.1:9324/000000000000?default_type=",
          "sqs:http://127.0.0.1:9324/000000000000?default_type=%zz",
          "sqs:http://127.0.0.1:9324/000000000000?"}) {
        const auto parsed = parse_sqs_url(url);
        ASSERT_FALSE(parsed) << url;
        EXPECT_EQ(parsed.error().code(), Errc::invalid_argument) << url;
        EXPECT_FALSE(parsed.error().message().contains("secret")) << parsed.error().message();
    }
}

SqsReceipt some_receipt() {
    return {
        .process = 0xfedcba9876543210,
        .delivery = 17,
        .attempt = 3,
        .received_at = Instant(std::chrono::microseconds(1'700'000'000'123'456)),
        .retry_after = Milliseconds(2500),
        .queue = "mail.fifo",
        .message_id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10",
        .handle = "AQEB:with:colons/and+signs==",
    };
}

TEST(SqsReceiptTest, ComesBackFromItsText) {
    SqsReceipt receipt = some_receipt();

    const SqsReceipt read = SqsReceipt::parse(receipt.text()).value();

    EXPECT_EQ(read.text(), receipt.text());
    EXPECT_EQ(read.process, receipt.process);
    EXPECT_EQ(read.delivery, receipt.delivery);
    EXPECT_EQ(read.attempt, receipt.attempt);
    EXPECT_EQ(read.received_at, receipt.received_at);
    EXPECT_EQ(read.retry_after, receipt.retry_after);
    EXPECT_EQ(read.queue, receipt.queue);
    EXPECT_EQ(read.message_id, receipt.message_id);
    EXPECT_EQ(read.handle, receipt.handle);
    receipt.retry_after.reset();
    EXPECT_FALSE(SqsReceipt::parse(receipt.text()).value().retry_after.has_value());
}

TEST(SqsReceiptTest, RefusesEveryTextThatItDidNotMake) {
    const std::string text = some_receipt().text();

    for (std::size_t length = 0; length < text.size(); ++length) {
        ASSERT_FALSE(SqsReceipt::parse(text.substr(0, length))) << length;
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string broken = text;
        broken[at] = broken[at] == '1' ? '2' : '1';
        ASSERT_FALSE(SqsReceipt::parse(broken)) << at;
    }
    EXPECT_FALSE(SqsReceipt::parse(text + "="));
    EXPECT_EQ(SqsReceipt::parse("garbage").error().code(), Errc::invalid_argument);
}

TEST(SqsMessageTest, EscapesWhatNoMessageMayHold) {
    EXPECT_EQ(
        sqs_json("\"a\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd\""), "\"a\\ufffe\\uffff\xef\xbf\xbd\""
    );
    EXPECT_EQ(sqs_json("{\"é\":1}"), "{\"é\":1}");
}

TEST(SqsMessageTest, GivesAGroupWhereItIsKept) {
    const SqsMessage message{.body = "1", .group = "acme"};

    const auto kept = sqs_entry(message, GroupIds::kept);
    EXPECT_EQ(kept["MessageGroupId"].text(), "acme");
    EXPECT_TRUE(kept["MessageAttributes"].is_null());

    const auto maybe = sqs_entry(message, GroupIds::maybe_kept);
    EXPECT_EQ(maybe["MessageGroupId"].text(), "acme");
    EXPECT_EQ(maybe["MessageAttributes"]["tranter.group"]["StringValue"].text(), "acme");

    const auto refused = sqs_entry(message, GroupIds::refused);
    EXPECT_TRUE(refused["MessageGroupId"].is_null());
    EXPECT_EQ(refused["MessageAttributes"]["tranter.group"]["StringValue"].text(), "acme");
}

TEST(SqsMessageTest, GivesAGroupThatSqsWouldNotTakeAsItsDigest) {
    const SqsMessage message{.body = "1", .group = "für alle"};

    const auto entry = sqs_entry(message, GroupIds::kept);

    EXPECT_EQ(entry["MessageGroupId"].text(), sqs_opaque_id("für alle"));
    EXPECT_EQ(entry["MessageGroupId"].text().size(), 64U);
    EXPECT_EQ(entry["MessageAttributes"]["tranter.group"]["StringValue"].text(), "für alle");
}

TEST(SqsMessageTest, CountsNamesTypesAndValuesOfItsAttributes) {
    SqsMessage message{.body = "12345"};
    message.set_text("ab", "xyz");

    EXPECT_EQ(message.bytes(GroupIds::kept), 5U + 2U + 6U + 3U);
    EXPECT_TRUE(message.fits(GroupIds::kept, 16));
    EXPECT_FALSE(message.fits(GroupIds::kept, 15));
    for (int i = 0; i < 9; ++i) {
        message.set_text(std::string(1, static_cast<char>('c' + i)), "1");
    }
    EXPECT_TRUE(message.fits(GroupIds::kept, 1000));
    message.group = "g";
    EXPECT_TRUE(message.fits(GroupIds::kept, 1000));
    EXPECT_FALSE(message.fits(GroupIds::refused, 1000));
}

}  // namespace
}  // namespace tranter::providers
