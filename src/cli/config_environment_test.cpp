#include "cli/config_file.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

std::string variable_error(const std::vector<std::string>& environment) {
    ServerConfig config;
    const Result<void> done = apply_environment(config, environment);
    return done ? "accepted" : done.error().message();
}

TEST(ApplyEnvironmentTest, VariablesWinOverTheFile) {
    ServerConfig config;
    config.threads = 2;

    const Result<void> done = apply_environment(
        config,
        {"PATH=/bin",
         "TRANTER_SQS=localhost:1",
         "TRANTER_THREADS=8",
         "TRANTER_AUTO_CREATE=1",
         "TRANTER_LOG_LEVEL=debug",
         "TRANTER_IDLE_TIMEOUT=2m",
         "TRANTER_CORS_ORIGINS=http://a,http://b",
         "TRANTER_AUTH_MODE=sigv4",
         "TRANTER_AUTH_KEYS=id=se=cret,other=x",
         "TRANTER_ADMIN_TOKEN=0123456789abcdef"}
    );

    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(config.sqs, (Endpoint{.host = "localhost", .port = 1}));
    EXPECT_EQ(config.threads, 8U);
    EXPECT_TRUE(config.auto_create);
    EXPECT_EQ(config.log.level, LogLevel::debug);
    EXPECT_EQ(config.idle_timeout, std::chrono::minutes(2));
    EXPECT_EQ(config.cors_origins, (std::vector<std::string>{"http://a", "http://b"}));
    EXPECT_EQ(config.auth.keys.at("id"), "se=cret");
    EXPECT_EQ(config.auth.keys.at("other"), "x");
    EXPECT_EQ(config.admin_token, "0123456789abcdef");
}

TEST(ApplyEnvironmentTest, ErrorsNameTheVariable) {
    EXPECT_EQ(
        variable_error({"TRANTER_THREADS=many"}),
        "environment: TRANTER_THREADS: is text, write a whole number from 0 to 1024"
    );
    EXPECT_EQ(
        variable_error({"TRANTER_THREDS=1"}),
        "environment: TRANTER_THREDS: unknown variable, did you mean TRANTER_THREADS?"
    );
    EXPECT_EQ(
        variable_error({"TRANTER_ADMIN_TOKEN="}),
        "environment: TRANTER_ADMIN_TOKEN: is empty, write a value or unset it"
    );
    EXPECT_EQ(
        variable_error({"TRANTER_ADMIN_TOKEN=hunter2"}),
        "environment: admin.token: has 7 characters, write at least 16"
    );
    EXPECT_EQ(
        variable_error({"TRANTER_REGION=\xFF"}),
        "environment: TRANTER_REGION: is not UTF-8, write plain text"
    );
}

TEST(ApplyEnvironmentTest, LeavesVariablesOfOtherCommandsAlone) {
    EXPECT_EQ(
        variable_error({"TRANTER_ENDPOINT=x", "TRANTER_CONFIG=y", "TRANTER", "X=1"}), "accepted"
    );
}

}  // namespace
}  // namespace tranter::cli
