#include "cli/server_config.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

TEST(ParseEndpointTest, ReadsNamesAddressesAndBrackets) {
    EXPECT_EQ(*parse_endpoint("127.0.0.1:9324"), (Endpoint{.host = "127.0.0.1", .port = 9324}));
    EXPECT_EQ(*parse_endpoint("localhost:0"), (Endpoint{.host = "localhost", .port = 0}));
    EXPECT_EQ(*parse_endpoint("[::1]:80"), (Endpoint{.host = "::1", .port = 80}));
    EXPECT_EQ(parse_endpoint("0.0.0.0:65535")->port, 65535);
    EXPECT_TRUE(parse_endpoint("0.0.0.0:1")->host_explicit);
}

TEST(ParseEndpointTest, RefusesEverythingElse) {
    for (const char* text :
         {"",
          ":",
          ":9324",
          "9324",
          "localhost",
          "localhost:",
          "localhost:abc",
          "localhost:-1",
          "localhost:65536",
          "localhost:99999999999999999999",
          "localhost:1 ",
          "::1:80",
          "[::1]",
          "[::1:80",
          "[x]:80",
          "[]:80",
          "a b:80",
          "http://localhost:80",
          "*:80",
          "a:b:80"}) {
        EXPECT_FALSE(parse_endpoint(text)) << text;
    }
}

TEST(FormatEndpointTest, ReadsBack) {
    for (const char* text : {"127.0.0.1:9324", "[::1]:0", "queue.internal:80"}) {
        EXPECT_EQ(format_endpoint(*parse_endpoint(text)), text);
    }
}

TEST(IsLoopbackTest, KnowsNamesAndAddressesOfThisMachine) {
    for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
        EXPECT_TRUE(is_loopback({.host = host})) << host;
    }
    for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "sqs"}) {
        EXPECT_FALSE(is_loopback({.host = host})) << host;
    }
}

class CheckExposureTest : public testing::Test {
  protected:
    ServerConfig config;
};

TEST_F(CheckExposureTest, AllowsTheDefaults) {
    EXPECT_TRUE(check_exposure(config));
}

TEST_F(CheckExposureTest, RefusesThePublicSqsPortWithoutAuthentication) {
    config.sqs.host = "0.0.0.0";

    EXPECT_EQ(
        check_exposure(config).error().message(),
        "server.sqs: 0.0.0.0:9324 can be reached from other machines and auth.mode is none, set "
        "auth.mode = \"sigv4\" with keys, listen on 127.0.0.1 or use --insecure"
    );
    // What a wrong configuration is for every command: exit status 2.
    EXPECT_EQ(check_exposure(config).error().code(), Errc::invalid_argument);
    config.auth.mode = AuthMode::sigv4;
    EXPECT_TRUE(check_exposure(config));
}

TEST_F(CheckExposureTest, RefusesThePublicAdminPortWithoutAToken) {
    config.admin.host = "::";

    EXPECT_FALSE(check_exposure(config));
    config.admin_token = "0123456789abcdef";
    EXPECT_TRUE(check_exposure(config));
}

TEST_F(CheckExposureTest, AllowsEverythingWhenToldSoAndIgnoresPortsThatAreOff) {
    config.sqs.host = "0.0.0.0";
    config.sqs_enabled = false;
    EXPECT_TRUE(check_exposure(config));

    config.sqs_enabled = true;
    config.insecure = true;
    EXPECT_TRUE(check_exposure(config));
}

}  // namespace
}  // namespace tranter::cli
