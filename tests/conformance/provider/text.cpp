// Payloads at their limits, and text that somebody might forget to escape.
#include "fixture.hpp"

namespace tranter::conformance {
namespace {

class TextTest : public ProviderTest {
  public:
    void expect_kept(const std::string& payload, std::string_view what) {
        const std::string id = enqueue(job(payload));

        const ReceivedJob got = take();

        EXPECT_TRUE(got.payload == payload)
            << what << ": " << payload.substr(0, 100) << " became " << got.payload.substr(0, 100);
        if (!can().history) {
            complete(got);
            return;
        }
        EXPECT_TRUE(find(id).payload == payload) << what;
        complete(got, payload.size() <= result_bytes_max ? payload : "");
        const JobRecord record = finished(id);
        EXPECT_TRUE(record.payload == payload) << what << ", finished";
        if (payload.size() <= result_bytes_max) {
            const bool is_none = payload == "null" && record.result.empty();
            EXPECT_TRUE(record.result == payload || is_none) << what << ", result";
        }
    }
};
TRANTER_FOR_ALL_STORES(TextTest);

TEST_P(TextTest, KeepsEveryKindOfJson) {
    for (const char* text :
         {"null",
          "true",
          "false",
          "0",
          "-1",
          "1.5e-300",
          "\"\"",
          "[]",
          "{}",
          "[null,[],{}]",
          "18446744073709551616",
          "12345678901234567890.123456789",
          "1.10"})
        expect_kept(text, text);
}

TEST_P(TextTest, KeepsHostileText) {
    expect_kept(R"("\u0000\u001f\u007f")", "escapes of control characters");
    expect_kept(R"("\ud83d\ude9a \u00e9")", "escapes of other characters");
    expect_kept("\"\xE2\x80\xA8 \xC3\xA9 \xEF\xBF\xBD\"", "UTF-8");
    expect_kept("\"\xEF\xBB\xBF\"", "a byte order mark");
    expect_kept(R"("<script>&amp;]]></Body><![CDATA[ \" \\ \/ ' %00 $& ${x}")", "markup");
    expect_kept(R"({"__proto__":{"a":1},"":0,"type":"x","receipt":null})", "names");
    expect_kept("\"'; DROP TABLE jobs; --\"", "SQL");
    expect_kept(R"("\r\n\t\b\f")", "white space");
}

TEST_P(TextTest, KeepsCharactersOfFourBytes) {
    if (!kind().whole_sqs) GTEST_SKIP() << "it refuses them";
    expect_kept("\"\xF0\x9F\x9A\x9A\"", "a lorry");
}

TEST_P(TextTest, KeepsOrRefusesAMemberThatIsThereTwice) {
    const std::string payload = R"({"a":1,"a":2})";

    const auto answer = try_enqueue({job(payload)});

    if (answer) {
        EXPECT_EQ(take().payload, payload);
    } else {
        EXPECT_EQ(code_of(answer), Errc::invalid_argument) << message_of(answer);
    }
}

TEST_P(TextTest, KeepsDeepJson) {
    constexpr std::size_t depth = 64;
    expect_kept(std::string(depth, '[') + std::string(depth, ']'), "64 arrays");
}

TEST_P(TextTest, SurvivesJsonOfAnyDepth) {
    constexpr std::size_t depth = 100'000;
    const std::string payload = std::string(depth, '[') + std::string(depth, ']');

    const auto answer = try_enqueue({job(payload)});

    if (answer) {
        EXPECT_TRUE(take().payload == payload);
    } else {
        EXPECT_EQ(code_of(answer), Errc::invalid_argument) << message_of(answer);
    }
}

TEST_P(TextTest, KeepsTheLongestPayload) {
    if (!can().look_up) GTEST_SKIP() << "SQS has limits of its own";
    expect_kept('"' + std::string(payload_bytes_max - 2, 'x') + '"', "1 MiB");
}

TEST_P(TextTest, RefusesAPayloadThatIsTooLong) {
    const auto answer = try_enqueue({job('"' + std::string(payload_bytes_max - 1, 'x') + '"')});

    EXPECT_THAT(code_of(answer), testing::AnyOf(Errc::invalid_argument, Errc::limit_exceeded));
    EXPECT_NE(message_of(answer).find("1048577"), std::string::npos) << message_of(answer);
}

TEST_P(TextTest, KeepsHostileTextInOptionsAndFailures) {
    const std::string hostile = "a=\"b\\c\"<&>'\xF0\x9F\x9A\x9A";
    JobOptions options{.group = hostile, .retry = at_once(), .tags = {hostile}};
    if (can().dedup) options.dedup = Dedup{.key = hostile};
    const std::string id = enqueue(job("1", options));

    const ReceivedJob got = take();

    EXPECT_EQ(got.options, options);
    must(settle(got, Failed{.type = hostile, .text = hostile + "\n\t\x01\x7F"}));
    EXPECT_EQ(take().options, options);
    if (!can().look_up) return;
    const JobRecord record = find(id);
    ASSERT_EQ(record.failures.size(), 1U);
    EXPECT_EQ(record.failures.front().type, hostile);
    EXPECT_EQ(record.failures.front().text, hostile + "\n\t\x01\x7F");
}

TEST_P(TextTest, TextThatIsNoUtf8NeverBreaksTheRecord) {
    TRANTER_NEEDS(look_up);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob got = take();
    const std::vector<std::string> lines{"\xFF\xFE", std::string("a\0b", 3)};

    if (can().progress) {
        EXPECT_THAT(
            code_of(store().append_log(queue(), got.receipt, lines)),
            testing::AnyOf(std::nullopt, Errc::invalid_argument)
        );
    }
    const auto settled = settle(got, Failed{.type = "\xC3(", .text = "what(): \xFF\xFE"});
    EXPECT_THAT(code_of(settled), testing::AnyOf(std::nullopt, Errc::invalid_argument));

    EXPECT_EQ(find(id).id, id);
    EXPECT_EQ(must(store().list({.filter = "queue:" + queue()})).jobs.size(), 1U);
}

}  // namespace
}  // namespace tranter::conformance
