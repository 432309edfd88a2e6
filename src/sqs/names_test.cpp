#include "sqs/names.hpp"

#include <gtest/gtest.h>

namespace tranter::sqs {
namespace {

TEST(NamesTest, TheLastSegmentOfAUrlIsTheQueue) {
    for (const char* url :
         {"http://127.0.0.1:9324/000000000000/q1",
          "https://sqs.eu-west-1.amazonaws.com/1/q1",
          "http://host/queue/q1",
          "http://host/q1",
          "http://host/ctx/000000000000/q1/",
          "q1",
          "/000000000000/q1",
          "http://169.254.169.254/0/q1?x=y"}) {
        EXPECT_EQ(queue_name_of_url(url), "q1") << url;
    }
    EXPECT_EQ(queue_name_of_url("http://h/0/../../etc/passwd"), "passwd");
    EXPECT_EQ(queue_name_of_url("http://h/0/%2e%2e%2fsecret"), "%2e%2e%2fsecret");
}

TEST(NamesTest, WhatIsNeitherUrlNorNameIsAnInvalidAddress) {
    for (const char* url : {"javascript:alert(1)", "http://host", "http://host/", "http://"}) {
        const auto name = queue_name_of_url(url);
        ASSERT_FALSE(name) << url;
        EXPECT_EQ(name.error().code, Code::invalid_address);
    }
}

TEST(NamesTest, PathsAddressQueuesBelowTheContext) {
    EXPECT_EQ(queue_name_of_path("/", ""), "");
    EXPECT_EQ(queue_name_of_path("/000000000000/q1", ""), "q1");
    EXPECT_EQ(queue_name_of_path("/q1", ""), "q1");
    EXPECT_EQ(queue_name_of_path("/ctx", "/ctx"), "");
    EXPECT_EQ(queue_name_of_path("/ctx/", "/ctx"), "");
    EXPECT_EQ(queue_name_of_path("/ctx/1/q1", "/ctx"), "q1");
    EXPECT_EQ(queue_name_of_path("/ctxother", "/ctx"), "ctxother");
}

TEST(NamesTest, UrlsAreMadeFromTheHostOrTheConfiguredBase) {
    ServiceOptions options;
    EXPECT_EQ(queue_url(options, "h:1", "q"), "http://h:1/000000000000/q");
    options.public_url = "https://sqs.example";
    options.context_path = "/ctx";
    options.account = "";
    EXPECT_EQ(queue_url(options, "h:1", "q"), "https://sqs.example/ctx/queue/q");
}

TEST(NamesTest, ArnsNamePartitionRegionAndAccount) {
    ServiceOptions options;
    EXPECT_EQ(queue_arn(options, "q"), "arn:aws:sqs:us-east-1:000000000000:q");
    options.region = "cn-north-1";
    EXPECT_EQ(queue_arn(options, "q"), "arn:aws-cn:sqs:cn-north-1:000000000000:q");
    options.region = "us-gov-west-1";
    EXPECT_EQ(queue_arn(options, "q"), "arn:aws-us-gov:sqs:us-gov-west-1:000000000000:q");
}

TEST(NamesTest, ArnsOfAnyRegionAndAccountAreRead) {
    EXPECT_EQ(queue_name_of_arn("arn:aws:sqs:elasticmq:1:q.fifo"), "q.fifo");
    for (const char* arn :
         {"",
          "q",
          "arn:::::",
          "arn:aws:sns:r:1:q",
          "arn:aws:sqs:r:1:",
          "arn:aws:sqs:r:1:q:x",
          "arn:aws:sqs:r:1"}) {
        EXPECT_FALSE(queue_name_of_arn(arn)) << arn;
    }
}

}  // namespace
}  // namespace tranter::sqs
