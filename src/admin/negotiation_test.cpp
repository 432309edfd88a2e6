#include "admin/negotiation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tranter::admin {
namespace {

using Format = Exposition::Format;

TEST(Negotiation, PrometheusOfTodayGetsOpenMetrics) {
    constexpr std::string_view of_prometheus_2 =
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    constexpr std::string_view of_prometheus_3 =
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
        "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    EXPECT_EQ(format_for(of_prometheus_2), Format::openmetrics);
    EXPECT_EQ(format_for(of_prometheus_3), Format::openmetrics);
}

TEST(Negotiation, EverybodyElseGetsThePrometheusText) {
    for (const char* accept :
         {"",
          "*/*",
          "text/html, text/plain;q=0.9",
          "application/openmetrics-text; q=0",
          "application/openmetrics-text; q=much",
          "application/openmetrics-text; version=2.0.0",
          "application/openmetrics-text; version=0.0.1",
          "application/openmetrics-text, text/plain",
          "text/plain;q=0.5, application/openmetrics-text;q=0.4",
          "application/openmetrics-text;q=0.1, */*;q=0.9",
          ",;=,;;q=,",
          "application/openmetrics-textual"}) {
        EXPECT_EQ(format_for(accept), Format::prometheus) << accept;
    }
}

TEST(Negotiation, SpacesAndCaseDoNotMatter) {
    EXPECT_EQ(format_for(" Application/OpenMetrics-Text ;\tq=0.5 , */*"), Format::prometheus);
    EXPECT_EQ(
        format_for(" Application/OpenMetrics-Text ;\tq = 0.5 , */*;q=0.1"), Format::openmetrics
    );
    EXPECT_EQ(format_for("application/openmetrics-text, */*"), Format::openmetrics);
}

std::string rendered(Format format) {
    std::string text;
    Exposition out(text, format);
    out.header("a_total", Exposition::Type::counter, "Some.");
    out.sample("a_total", {{"b", "c\"\\\n"}}, 2);
    out.header("d_info", Exposition::Type::info, "More.");
    out.sample("d_info", {{"version", "1"}}, 1);
    out.header("e_seconds", Exposition::Type::histogram, "Times.");
    constexpr std::array bounds{0.5, 1.0};
    constexpr std::array<std::uint64_t, 3> counts{1, 2, 3};
    out.histogram("e_seconds", {}, bounds, counts, 7.5);
    out.finish();
    return text;
}

TEST(Exposition, OpenMetricsNamesFamiliesWithoutTheirEndings) {
    EXPECT_EQ(
        rendered(Format::openmetrics),
        "# HELP a Some.\n# TYPE a counter\na_total{b=\"c\\\"\\\\\\n\"} 2\n"
        "# HELP d More.\n# TYPE d info\nd_info{version=\"1\"} 1\n"
        "# HELP e_seconds Times.\n# TYPE e_seconds histogram\n"
        "e_seconds_bucket{le=\"0.5\"} 1\ne_seconds_bucket{le=\"1.0\"} 3\n"
        "e_seconds_bucket{le=\"+Inf\"} 6\ne_seconds_sum 7.5\ne_seconds_count 6\n"
        "# EOF\n"
    );
}

TEST(Exposition, PrometheusNamesThemWithTheirEndings) {
    EXPECT_EQ(
        rendered(Format::prometheus),
        "# HELP a_total Some.\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\\\n\"} 2\n"
        "# HELP d_info More.\n# TYPE d_info gauge\nd_info{version=\"1\"} 1\n"
        "# HELP e_seconds Times.\n# TYPE e_seconds histogram\n"
        "e_seconds_bucket{le=\"0.5\"} 1\ne_seconds_bucket{le=\"1\"} 3\n"
        "e_seconds_bucket{le=\"+Inf\"} 6\ne_seconds_sum 7.5\ne_seconds_count 6\n"
    );
}

}  // namespace
}  // namespace tranter::admin
