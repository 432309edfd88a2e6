#include "telemetry/exporter.hpp"

#include "telemetry/test_collector.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <string>

namespace tranter::telemetry {
namespace {

using namespace std::chrono_literals;

Span span_named(std::string name) {
    return {.context = {.trace_id = {1}, .span_id = {2}, .sampled = true}, .name = std::move(name)};
}

Settings settings_for(const TestCollector& collector) {
    return {.url = collector.url(), .headers = {{"api-key", "k"}}, .batch_delay = 1ms};
}

TEST(ExporterTest, SendsSpansToTheCollector) {
    TestCollector collector;
    Exporter exporter(settings_for(collector));

    exporter.push(span_named("send mail"));

    const auto bodies = collector.wait_for(1);
    ASSERT_EQ(bodies.size(), 1U);
    EXPECT_NE(bodies[0].find(R"("name":"send mail")"), std::string::npos);
    EXPECT_EQ(collector.header(), "k application/json");
}

TEST(ExporterTest, SendsWhatIsLeftWhenItEnds) {
    TestCollector collector;
    {
        Settings settings = settings_for(collector);
        settings.batch_delay = 1h;
        settings.batch_max = 2;
        Exporter exporter(settings);
        for (int i = 0; i < 5; ++i)
            exporter.push(span_named("last"));
    }

    EXPECT_EQ(collector.wait_for(3).size(), 3U);
}

TEST(ExporterTest, DropsAndCountsWhatDoesNotFit) {
    std::latch may_answer(1);
    TestCollector collector([&](int) {
        may_answer.wait();
        return 200;
    });
    Settings settings = settings_for(collector);
    settings.queue_max = 2;
    settings.batch_max = 1;
    {
        Exporter exporter(settings);
        exporter.push(span_named("under way"));
        collector.wait_for(1);

        for (int i = 0; i < 5; ++i)
            exporter.push(span_named("later"));

        EXPECT_EQ(exporter.counts(), (SpanCounts{.dropped = 3, .waiting = 2}));
        may_answer.count_down();
    }
    EXPECT_EQ(collector.wait_for(3).size(), 3U);
}

TEST(ExporterTest, TriesAgainWhenTheCollectorIsBusyAndNotWhenItRefuses) {
    TestCollector collector([](int number) { return number == 1 ? 503 : number == 2 ? 200 : 400; });
    {
        Exporter exporter(settings_for(collector));
        exporter.push(span_named("again"));
        const auto bodies = collector.wait_for(2);
        ASSERT_EQ(bodies.size(), 2U);
        EXPECT_EQ(bodies[0], bodies[1]);
        exporter.push(span_named("refused"));
    }
    EXPECT_EQ(collector.wait_for(3).size(), 3U);
}

TEST(ExporterTest, EndsThoughTheCollectorDoesNotAnswer) {
    std::latch may_answer(1);
    TestCollector collector([&](int) {
        may_answer.wait();
        return 200;
    });
    {
        Exporter exporter(settings_for(collector));
        exporter.push(span_named("in vain"));
        collector.wait_for(1);
    }
    may_answer.count_down();
}

}  // namespace
}  // namespace tranter::telemetry
