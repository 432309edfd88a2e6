#include "jobs/trace_context.hpp"

#include "jobs/job_json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::jobs {
namespace {

constexpr std::string_view usual = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, ReadsAndWritesATraceparent) {
    const auto context = parse_traceparent(usual);

    ASSERT_TRUE(context);
    EXPECT_EQ(context->trace_id[0], 0x4b);
    EXPECT_EQ(context->span_id[7], 0xb7);
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(to_traceparent(*context), usual);
}

TEST(TraceContextTest, RefusesWhatIsNoTraceparent) {
    const std::string good(usual);
    for (const std::string& text : std::vector<std::string>{
             "",
             good.substr(0, 54),
             good + "0",
             good + "-more",
             "ff" + good.substr(2),
             "0g" + good.substr(2),
             "00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
             "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n",
         }) {
        EXPECT_FALSE(parse_traceparent(text)) << text;
    }
}

TEST(TraceContextTest, ReadsOfLaterVersionsWhatItKnows) {
    const std::string later = "01" + std::string(usual.substr(2)) + "-more";

    EXPECT_EQ(parse_traceparent(later), parse_traceparent(usual));
    EXPECT_FALSE(parse_traceparent("01" + std::string(usual.substr(2)) + "more"));
    EXPECT_FALSE(parse_traceparent(later + "\r\nX: y"));
    EXPECT_FALSE(parse_traceparent(later + std::string(512, 'a')));
}

TEST(TraceContextTest, ReadsAndWritesTheHeaderOfXRay) {
    const std::string header =
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";

    EXPECT_EQ(parse_xray(header), parse_traceparent(usual));
    EXPECT_EQ(to_xray(*parse_traceparent(usual)), header);
    EXPECT_EQ(
        parse_xray("Self=x; Sampled=1;Parent=00f067aa0ba902b7;Lineage=a:0|b;"
                   "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"),
        parse_traceparent(usual)
    );
    const auto unsampled =
        parse_xray("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=?");
    ASSERT_TRUE(unsampled);
    EXPECT_FALSE(unsampled->sampled);
}

TEST(TraceContextTest, RefusesAHeaderOfXRayWithoutAParent) {
    EXPECT_FALSE(parse_xray("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=1"));
    EXPECT_FALSE(parse_xray("Parent=00f067aa0ba902b7"));
    EXPECT_FALSE(parse_xray("Root=2-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7"));
    EXPECT_FALSE(parse_xray("Root=1-4bf92f35;Parent=00f067aa0ba902b7"));
    EXPECT_FALSE(parse_xray(";;=;Root"));
}

TEST(TraceContextTest, TakesNoTracestateThatAHeaderCannotHave) {
    EXPECT_TRUE(is_tracestate("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"));
    EXPECT_FALSE(is_tracestate(""));
    EXPECT_FALSE(is_tracestate("a=b\r\nX-Other: 1"));
    EXPECT_FALSE(is_tracestate(std::string(513, 'a')));
}

TEST(TraceContextTest, KeepsWhatAJobSaysItself) {
    JobOptions options;
    take_trace(options, "nonsense", "a=b");
    EXPECT_EQ(options, JobOptions());

    take_trace(options, usual, "a=b");
    EXPECT_EQ(options.traceparent, usual);
    EXPECT_EQ(options.tracestate, "a=b");

    take_trace(options, "00-11111111111111111111111111111111-2222222222222222-00", "c=d");
    EXPECT_EQ(options.traceparent, usual);
    EXPECT_EQ(options.tracestate, "a=b");
}

TEST(TraceContextTest, IsNoPartOfTheOptionsInAMessage) {
    const JobOptions options{.priority = 1, .traceparent = std::string(usual), .tracestate = "a=b"};

    EXPECT_EQ(options_to_json_without_trace(options), R"({"priority":1})");
    const auto all = options_from_json(options_to_json(options));
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, options);
}

TEST(TraceContextTest, IsCheckedLikeEveryOption) {
    const auto problem = [](std::string traceparent, std::string tracestate) {
        return problem_of(NewJob{
            .type = "t",
            .options = {.traceparent = std::move(traceparent), .tracestate = std::move(tracestate)}}
        );
    };

    EXPECT_EQ(problem(std::string(usual), "a=b"), "");
    EXPECT_EQ(
        problem("x\ny", ""),
        "traceparent is \"x\\ny\", it must be like "
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    );
    EXPECT_EQ(problem("", "a=b"), "tracestate is set, it needs a traceparent");
    EXPECT_EQ(
        problem(std::string(usual), "a\n"),
        "tracestate is 2 bytes, it must be 1 to 512 bytes of printable ASCII"
    );
}

}  // namespace
}  // namespace tranter::jobs
