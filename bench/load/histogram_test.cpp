#include "load/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace tranter::bench {
namespace {

TEST(HistogramTest, HasNoQuantilesWhenEmpty) {
    const Histogram histogram;

    EXPECT_EQ(histogram.quantile(0.5), 0U);
    EXPECT_EQ(histogram.max(), 0U);
}

TEST(HistogramTest, KeepsSmallValuesExactly) {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 50; ++value)
        histogram.add(value);

    EXPECT_EQ(histogram.quantile(0.5), 25U);
    EXPECT_EQ(histogram.quantile(0.9), 45U);
    EXPECT_EQ(histogram.quantile(1), 50U);
}

TEST(HistogramTest, IsOffByAtMostOneSixtyFourthAtAnySize) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 10000; ++i) {
        const std::uint64_t value = random() >> (random() % 64);
        Histogram histogram;
        histogram.add(value);
        histogram.add(~std::uint64_t{0});  // so that the maximum does not make it exact

        const std::uint64_t found = histogram.quantile(0.5);

        EXPECT_GE(found, value);
        EXPECT_LE(found - value, value / 64);
    }
}

TEST(HistogramTest, NeverReportsMoreThanTheLargestValue) {
    Histogram histogram;
    histogram.add(1'000'001);

    EXPECT_EQ(histogram.quantile(0.99), 1'000'001U);
}

TEST(HistogramTest, MergesAsIfOneHadSeenEverything) {
    Histogram low;
    Histogram high;
    for (std::uint64_t value = 1; value <= 30; ++value)
        (value <= 15 ? low : high).add(value);

    low.merge(high);

    EXPECT_EQ(low.count(), 30U);
    EXPECT_EQ(low.quantile(0.5), 15U);
    EXPECT_EQ(low.max(), 30U);
}

}  // namespace
}  // namespace tranter::bench
