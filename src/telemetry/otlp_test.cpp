#include "telemetry/otlp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tranter::telemetry {
namespace {

Span full_span() {
    Span span{
        .context =
            *jobs::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        .trace_state = "a=b",
        .parent = SpanId{1, 2, 3, 4, 5, 6, 7, 8},
        .links = {*jobs::parse_traceparent("00-11111111111111111111111111111111-2222222222222222-00"
        )},
        .name = "process \"mail\"",
        .kind = Span::Kind::consumer,
        .begin = Instant(Duration(1'700'000'000'000'001)),
        .end = Instant(Duration(1'700'000'000'500'000)),
        .attributes = {{"messaging.system", "tranter"}, {"tranter.job.attempt", std::int64_t{2}}},
        .failed = true,
        .error = "bad \xff byte"};
    return span;
}

TEST(OtlpTest, WritesEveryField) {
    const Settings settings{.resource = {{"service.name", "mailer"}}};
    const std::array spans{full_span()};

    EXPECT_EQ(
        to_otlp(settings, spans),
        R"({"resourceSpans":[{"resource":{"attributes":[)"
        R"({"key":"service.name","value":{"stringValue":"mailer"}},)"
        R"({"key":"telemetry.sdk.language","value":{"stringValue":"cpp"}},)"
        R"({"key":"telemetry.sdk.name","value":{"stringValue":"tranter"}},)"
        R"({"key":"telemetry.sdk.version","value":{"stringValue":"0.1.0"}}]},)"
        R"("scopeSpans":[{"scope":{"name":"tranter","version":"0.1.0"},"spans":[{)"
        R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
        R"("traceState":"a=b","parentSpanId":"0102030405060708","flags":1,)"
        R"("name":"process \"mail\"","kind":5,)"
        R"("startTimeUnixNano":"1700000000000001000","endTimeUnixNano":"1700000000500000000",)"
        R"("attributes":[{"key":"messaging.system","value":{"stringValue":"tranter"}},)"
        R"({"key":"tranter.job.attempt","value":{"intValue":"2"}}],)"
        R"("links":[{"traceId":"11111111111111111111111111111111",)"
        R"("spanId":"2222222222222222","flags":0}],)"
        R"("status":{"code":2,"message":"bad � byte"}}]}]}]})"
    );
}

TEST(OtlpTest, LeavesOutWhatASpanHasNot) {
    Span span = full_span();
    span.parent.reset();
    span.links.clear();
    span.trace_state.clear();
    span.failed = false;

    const std::string text = to_otlp({}, {&span, 1});

    EXPECT_EQ(text.find("parentSpanId"), std::string::npos);
    EXPECT_EQ(text.find("links"), std::string::npos);
    EXPECT_EQ(text.find("traceState"), std::string::npos);
    EXPECT_NE(text.find(R"("status":{})"), std::string::npos);
}

TEST(OtlpTest, ReadsHowManySpansWereRejected) {
    EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"7","errorMessage":"x"}})"), 7U);
    EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":3}})"), 3U);
    EXPECT_EQ(rejected_spans(R"({"partialSuccess":{}})"), 0U);
    EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":-1}})"), 0U);
    EXPECT_EQ(rejected_spans("{}"), 0U);
    EXPECT_EQ(rejected_spans(""), 0U);
    EXPECT_EQ(rejected_spans("<html>"), 0U);
}

}  // namespace
}  // namespace tranter::telemetry
