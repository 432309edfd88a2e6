#include "aws/service_url.hpp"

#include <gtest/gtest.h>

namespace tranter::aws {
namespace {

TEST(ServiceUrlTest, TakesHostPortAndPathApart) {
    const ServiceUrl url = parse_service_url("https://SQS.example.com:8443/a/b/").value();

    EXPECT_EQ(url.text, "https://SQS.example.com:8443/a/b");
    EXPECT_EQ(url.host, "sqs.example.com");
    EXPECT_EQ(url.port, 8443);
    EXPECT_EQ(url.path, "/a/b");
    EXPECT_EQ(url.origin(), "https://SQS.example.com:8443");
}

TEST(ServiceUrlTest, FillsInSchemeAndPort) {
    EXPECT_EQ(parse_service_url("http://h").value().port, 80);
    EXPECT_EQ(parse_service_url("https://h").value().port, 443);
    EXPECT_EQ(parse_service_url("localhost:9324").value().text, "http://localhost:9324");
    EXPECT_EQ(parse_service_url("http://[::1]:9324").value().host, "::1");
}

TEST(ServiceUrlTest, KnowsThisMachine) {
    for (const char* local :
         {"http://127.0.0.1:1",
          "http://127.9.9.9",
          "http://localhost",
          "http://sqs.localhost:1",
          "http://[::1]"}) {
        EXPECT_TRUE(parse_service_url(local).value().is_loopback()) << local;
    }
    for (const char* remote :
         {"http://128.0.0.1", "http://localhost.example.com", "http://[::2]"}) {
        EXPECT_FALSE(parse_service_url(remote).value().is_loopback()) << remote;
    }
}

TEST(ServiceUrlTest, FindsTheRegionInAwsNames) {
    const auto region = [](const char* text) {
        return parse_service_url(text).value().aws_region();
    };

    EXPECT_EQ(region("https://sqs.eu-west-1.amazonaws.com"), "eu-west-1");
    EXPECT_EQ(region("https://sqs.cn-north-1.amazonaws.com.cn/1/q"), "cn-north-1");
    EXPECT_EQ(region("https://vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com"), "eu-west-1");
    EXPECT_EQ(region("https://eu-west-1.queue.amazonaws.com"), "eu-west-1");
    EXPECT_EQ(region("http://127.0.0.1:9324"), std::nullopt);
    EXPECT_EQ(region(aws_sqs_url("cn-north-1").c_str()), "cn-north-1");
}

TEST(ServiceUrlTest, RefusesWhatIsNoEndpointAndSaysWhy) {
    for (const char* bad :
         {"",
          "http://",
          "file:///etc/passwd",
          "ftp://h",
          "http://h:0",
          "http://h:65536",
          "http://h:http",
          "http://h:",
          "http://[::1",
          "http://a b",
          "http://h\r\n",
          "http://h/?a=b",
          "://h",
          "http://h%00"}) {
        const auto url = parse_service_url(bad);
        ASSERT_FALSE(url) << bad;
        EXPECT_EQ(url.error().code(), Errc::invalid_argument);
    }
}

TEST(ServiceUrlTest, NeverRepeatsAPassword) {
    for (const char* secret :
         {"http://user:hunter2@h", "http://hunter2@h:1/", "ftp://user:hunter2@h"}) {
        const auto url = parse_service_url(secret);
        ASSERT_FALSE(url);
        EXPECT_EQ(url.error().message().find("hunter2"), std::string::npos);
    }
}

}  // namespace
}  // namespace tranter::aws
