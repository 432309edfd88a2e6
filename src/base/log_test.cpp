#include "base/log.hpp"

#include "base/log_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;

const LogTime some_time{1'700'000'000'123ms};

std::string escaped(std::string_view text) {
    std::string out;
    append_escaped(out, text);
    return out;
}

std::string line(LogFormat format, std::string_view message, LogFields fields = {}) {
    return format_log_line(format, some_time, LogLevel::warn, "sqs", message, fields);
}

TEST(LogTextTest, JsonIsOneObjectWithTypedValues) {
    const std::string queue = "orders";

    EXPECT_EQ(
        line(
            LogFormat::json,
            "queue created",
            {{"queue", queue}, {"count", 3}, {"free", 7U}, {"share", 0.5}, {"fifo", true}}
        ),
        R"({"ts":"2023-11-14T22:13:20.123Z","level":"warn","msg":"queue created",)"
        R"("component":"sqs","queue":"orders","count":3,"free":7,"share":0.5,"fifo":true})"
    );
    EXPECT_NE(
        line(
            LogFormat::json, "x", {{"v", std::numeric_limits<double>::infinity()}}
        ).find("\"v\":null"),
        std::string::npos
    );
}

TEST(LogTextTest, LogfmtQuotesOnlyWhatNeedsIt) {
    EXPECT_EQ(
        line(LogFormat::logfmt, "started", {{"a", "x y"}, {"b", "k=v"}, {"c", ""}, {"d", "plain"}}),
        "ts=2023-11-14T22:13:20.123Z level=warn msg=started component=sqs "
        "a=\"x y\" b=\"k=v\" c=\"\" d=plain"
    );
}

TEST(LogTextTest, PrettyShowsTimeLevelAndFields) {
    EXPECT_EQ(
        line(LogFormat::pretty, "listening", {{"port", 9324}}),
        "22:13:20.123 \x1b[33mwarn \x1b[0m sqs: listening port=9324"
    );
}

TEST(LogTextTest, EscapesWhatCouldForgeOrReorderALine) {
    EXPECT_EQ(escaped("a\nlevel=error"), "a\\nlevel=error");
    EXPECT_EQ(escaped("\x1b[2J\r\t\x7f"), "\\u001b[2J\\r\\t\\u007f");
    EXPECT_EQ(
        escaped("a\xC2\x9B"
                "b"),
        "a\\u009bb"
    );
    EXPECT_EQ(
        escaped("\xE2\x80\xAE"
                "evil"),
        "\\u202eevil"
    );
    EXPECT_EQ(escaped("\xE2\x81\xA6x\xE2\x80\xA8"), "\\u2066x\\u2028");
    EXPECT_EQ(escaped("\xF3\xA0\x81\x81"), "\\udb40\\udc41");
    EXPECT_EQ(escaped("say \"hi\" \\"), "say \\\"hi\\\" \\\\");
    EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\u0000");
}

TEST(LogTextTest, KeepsPrintableUnicodeAndReplacesInvalidBytes) {
    EXPECT_EQ(
        escaped("gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\x80"
    );
    EXPECT_EQ(escaped("\xFF"), "\xEF\xBF\xBD");
    EXPECT_EQ(escaped("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(escaped("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(escaped("\xE2\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(LogTextTest, NeverWritesSecrets) {
    for (const LogFormat format : {LogFormat::json, LogFormat::logfmt, LogFormat::pretty}) {
        const std::string text = line(
            format, "login", {{"admin_token", "hunter2"}, {"SecretKey", "hunter2"}, {"id", "ann"}}
        );
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
        EXPECT_NE(text.find("ann"), std::string::npos) << text;
    }
}

TEST(LogTextTest, NeverWritesSecretsThatStandInsideOfOtherValues) {
    const std::string text = line(
        LogFormat::json, "call", {{"error", "http://ann:hunter2@host refused the connection"}}
    );

    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_NE(text.find("refused the connection"), std::string::npos) << text;
}

TEST(LogRepeatLimitTest, DropsRepeatsWithinTenSecondsAndCountsThem) {
    LogRepeatLimit limit(2);

    EXPECT_TRUE(limit.decide(some_time, "sqs", "a").write);
    EXPECT_TRUE(limit.decide(some_time + 1s, "sqs", "a").write);
    EXPECT_FALSE(limit.decide(some_time + 2s, "sqs", "a").write);
    EXPECT_FALSE(limit.decide(some_time + 9999ms, "sqs", "a").write);
    EXPECT_TRUE(limit.decide(some_time + 3s, "sqs", "b").write);
    EXPECT_TRUE(limit.decide(some_time + 3s, "http", "a").write);

    const LogRepeatLimit::Decision next = limit.decide(some_time + 10s, "sqs", "a");

    EXPECT_TRUE(next.write);
    EXPECT_EQ(next.suppressed, 2U);
    EXPECT_EQ(limit.decide(some_time + 10s, "sqs", "a").suppressed, 0U);
}

class LogTest : public testing::Test {
  protected:
    void SetUp() override {
        start_logging({.format = LogFormat::logfmt, .level = LogLevel::info, .repeats_max = 3});
        testing::internal::CaptureStderr();
    }

    std::size_t captured_lines() {
        const std::string text = testing::internal::GetCapturedStderr();
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }
};

TEST_F(LogTest, WritesOnlyFromItsLevelUpwards) {
    log_debug("sqs", "not this");
    log_info("sqs", "this", {{"queue", "a b"}});
    log_error("sqs", "and this");

    const std::string text = testing::internal::GetCapturedStderr();

    EXPECT_EQ(text.find("not this"), std::string::npos);
    EXPECT_NE(text.find("level=info msg=this component=sqs queue=\"a b\"\n"), std::string::npos);
    EXPECT_NE(text.find("level=error msg=\"and this\" component=sqs\n"), std::string::npos);
}

TEST_F(LogTest, LevelsOfOneComponentChangeAtRunTime) {
    set_component_log_level("http", LogLevel::debug);
    set_component_log_level("noisy", LogLevel::off);

    EXPECT_TRUE(logs_at(LogLevel::debug, "http"));
    EXPECT_FALSE(logs_at(LogLevel::debug, "sqs"));
    EXPECT_FALSE(logs_at(LogLevel::fatal, "noisy"));
    set_log_level(LogLevel::error);
    EXPECT_FALSE(logs_at(LogLevel::warn, "sqs"));
    EXPECT_TRUE(logs_at(LogLevel::debug, "http"));
    testing::internal::GetCapturedStderr();
}

TEST_F(LogTest, LimitsRepeatsOfOneText) {
    for (int i = 0; i < 100; ++i)
        log_warn("sqs", "disk is slow", {{"try", i}});

    EXPECT_EQ(captured_lines(), 3U);
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([t] {
                const std::string text = "text " + std::to_string(t);
                for (int i = 0; i < 3; ++i)
                    log_info("sqs", text);
            });
        }
    }

    EXPECT_EQ(captured_lines(), 12U);
}

TEST(LogNamesTest, AreReadBackAndSuggestedWhenMisspelt) {
    EXPECT_EQ(*parse_log_level("warn"), LogLevel::warn);
    EXPECT_EQ(*parse_log_format("logfmt"), LogFormat::logfmt);
    EXPECT_EQ(*parse_log_format(log_format_name(LogFormat::automatic)), LogFormat::automatic);
    EXPECT_EQ(
        parse_log_level("wran").error().message(),
        "unknown log level \"wran\" (did you mean warn?), use one of trace, debug, info, warn, "
        "error, fatal, off"
    );
}

}  // namespace
}  // namespace tranter
