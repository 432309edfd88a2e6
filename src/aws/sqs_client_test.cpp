#include "aws/sqs_client.hpp"

#include <gtest/gtest.h>

namespace tranter::aws {
namespace {

Error error_of(int status, std::string body, std::string_view query_error = {}) {
    http::ClientResponse response{.status = status, .body = std::move(body)};
    if (!query_error.empty()) response.headers.emplace_back("x-amzn-query-error", query_error);
    return error_of_answer(response, parse_service_url("http://127.0.0.1:9324").value());
}

TEST(AwsErrorTest, KeepsTheOlderCodeAndTheText) {
    const Error error = error_of(
        400,
        R"({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "No such queue."})",
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );

    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_EQ(error.message(), "AWS.SimpleQueueService.NonExistentQueue: No such queue.");
}

TEST(AwsErrorTest, MapsCodesOfBothProtocols) {
    for (const auto& [code, errc] : {
             std::pair("QueueDoesNotExist", Errc::not_found),
             std::pair("AWS.SimpleQueueService.NonExistentQueue", Errc::not_found),
             std::pair("ResourceNotFoundException", Errc::not_found),
             std::pair("QueueNameExists", Errc::already_exists),
             std::pair("QueueAlreadyExists", Errc::already_exists),
             std::pair("AWS.SimpleQueueService.PurgeQueueInProgress", Errc::conflict),
             std::pair("InvalidParameterValueException", Errc::invalid_argument),
             std::pair("ReceiptHandleIsInvalid", Errc::invalid_argument),
             std::pair("SignatureDoesNotMatch", Errc::unauthenticated),
             std::pair("AccessDenied", Errc::permission_denied),
             std::pair("InvalidClientTokenId", Errc::unauthenticated),
             std::pair("UnsupportedOperation", Errc::unsupported),
             std::pair("ServiceUnavailable", Errc::unavailable),
             std::pair("OverLimit", Errc::limit_exceeded),
             std::pair("InternalFailure", Errc::internal),
             std::pair("Never.Heard.Of", Errc::internal),
         }) {
        EXPECT_EQ(errc_of_aws_code(code), errc) << code;
    }
}

TEST(AwsErrorTest, FallsBackToTheStatusForUnknownCodes) {
    EXPECT_EQ(error_of(400, R"({"__type": "New"})").code(), Errc::invalid_argument);
    EXPECT_EQ(error_of(403, R"({"__type": "New"})").code(), Errc::permission_denied);
    EXPECT_EQ(error_of(503, R"({"__type": "New"})").code(), Errc::unavailable);
    EXPECT_EQ(error_of(500, R"({"__type": "New"})").message(), "New");
}

TEST(AwsErrorTest, SaysWhenTheAnswerIsNotThatOfAnSqsEndpoint) {
    const Error error = error_of(404, "<html>not here</html>");

    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_TRUE(error.message().starts_with("http://127.0.0.1:9324 answered HTTP 404"))
        << error.message();
}

TEST(QueueNameTest, ComesFromUrlsAndArns) {
    EXPECT_EQ(queue_name_of_url("http://h:1/000000000000/q"), "q");
    EXPECT_EQ(queue_name_of_url("http://h:1/q/"), "q");
    const auto arn = parse_queue_arn("arn:aws-cn:sqs:cn-north-1:123456789012:q.fifo");
    ASSERT_TRUE(arn);
    EXPECT_EQ(arn->region, "cn-north-1");
    EXPECT_EQ(arn->account, "123456789012");
    EXPECT_EQ(arn->name, "q.fifo");
    for (const char* other :
         {"", "q", "arn:aws:sns:r:1:t", "arn:aws:sqs:r:1:", "arn:aws:sqs:r:1"}) {
        EXPECT_FALSE(parse_queue_arn(other)) << other;
    }
}

TEST(QueueNameTest, IsCheckedBeforeAnythingIsSent) {
    for (const char* good : {"q", "a-b_c9", "q.fifo"}) {
        EXPECT_TRUE(check_queue_name(good)) << good;
    }
    for (const char* bad : {"", "-rf", "a b", "a/b", "é", "a\n"}) {
        ASSERT_FALSE(check_queue_name(bad)) << bad;
        EXPECT_EQ(check_queue_name(bad).error().code(), Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace tranter::aws
