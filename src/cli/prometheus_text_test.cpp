#include "cli/prometheus_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace tranter::cli {
namespace {

constexpr double no_bound = std::numeric_limits<double>::infinity();

TEST(ReadHistogramTest, TakesBucketsOfEachLabelAndNothingElse) {
    const auto found = read_histogram(
        "# HELP wait_seconds x\n"
        "wait_seconds_bucket{queue=\"mail\",le=\"0.5\"} 1\n"
        "wait_seconds_bucket{queue=\"mail\",le=\"+Inf\"} 3 1700000000\n"
        "wait_seconds_bucket{le=\"0.5\",queue=\"a\\\"b\\\\c\"} 2\n"
        "wait_seconds_sum{queue=\"mail\"} 1.5\n"
        "other_wait_seconds_bucket{queue=\"mail\",le=\"1\"} 9\n",
        "wait_seconds",
        "queue"
    );

    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found.at("mail"), (CumulativeBuckets{{0.5, 1}, {no_bound, 3}}));
    EXPECT_EQ(found.at("a\"b\\c"), (CumulativeBuckets{{0.5, 2}}));
}

TEST(ReadHistogramTest, PassesOverWhatIsBroken) {
    const std::string whole = "w_bucket{queue=\"m\\\"\",le=\"1\"} 2 # {x=\"y\"} 1";
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        EXPECT_LE(read_histogram(whole.substr(0, cut), "w", "queue").size(), 1U) << cut;
    EXPECT_TRUE(read_histogram("w_bucket{queue=\"m\",le=\"x\"} 2\n", "w", "queue").empty());
    EXPECT_TRUE(read_histogram("w_bucket{queue=\"m\",le=\"1\"} many\n", "w", "queue").empty());
    EXPECT_TRUE(read_histogram("w_bucket{queue=\"m\\", "w", "queue").empty());
}

TEST(PercentileTest, LiesWithinTheBucketThatHasIt) {
    const CumulativeBuckets buckets{{1, 50}, {2, 100}, {no_bound, 100}};

    EXPECT_DOUBLE_EQ(percentile_between({}, buckets, 0.25).value(), 0.5);
    EXPECT_DOUBLE_EQ(percentile_between({}, buckets, 0.5).value(), 1);
    EXPECT_DOUBLE_EQ(percentile_between({}, buckets, 0.75).value(), 1.5);
    EXPECT_DOUBLE_EQ(percentile_between({}, buckets, 1).value(), 2);
}

TEST(PercentileTest, IsOfWhatCameSinceTheLastReading) {
    const CumulativeBuckets before{{1, 50}, {2, 100}, {no_bound, 100}};
    const CumulativeBuckets latest{{1, 50}, {2, 110}, {no_bound, 110}};

    EXPECT_DOUBLE_EQ(percentile_between(before, latest, 0.5).value(), 1.5);
    EXPECT_FALSE(percentile_between(latest, latest, 0.5).has_value());
    EXPECT_FALSE(percentile_between({}, {}, 0.5).has_value());
    EXPECT_FALSE(percentile_between({}, {{no_bound, std::nan("")}}, 0.5).has_value());
}

TEST(PercentileTest, IsTheHighestBoundOfWhatIsAboveAll) {
    EXPECT_DOUBLE_EQ(percentile_between({}, {{1, 1}, {no_bound, 100}}, 0.99).value(), 1);
}

TEST(PercentileTest, IsOfAllWhenTheServerBeganAnewWithOtherBuckets) {
    EXPECT_DOUBLE_EQ(percentile_between({{9, 9}}, {{1, 2}, {no_bound, 2}}, 0.5).value(), 0.5);
}

}  // namespace
}  // namespace tranter::cli
