#include "worker/meter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace tranter::worker {
namespace {

TEST(MeterTest, ABoundBelongsToTheBucketBelowIt) {
    DurationBuckets buckets;

    buckets.add(duration_bounds, 0);
    buckets.add(duration_bounds, 0.005);
    buckets.add(duration_bounds, 0.0051);
    buckets.add(duration_bounds, 3600);
    buckets.add(duration_bounds, 3601);
    buckets.add(duration_bounds, -1);

    EXPECT_EQ(buckets.counts[0], 3U);
    EXPECT_EQ(buckets.counts[1], 1U);
    EXPECT_EQ(buckets.counts[duration_bounds.size() - 1], 1U);
    EXPECT_EQ(buckets.counts.back(), 1U);
    EXPECT_EQ(buckets.total(), 6U);
    EXPECT_DOUBLE_EQ(buckets.sum, 0.005 + 0.0051 + 3600 + 3601);
}

TEST(MeterTest, CountsAttempts) {
    AttemptBuckets buckets;

    buckets.add(attempt_bounds, 1);
    buckets.add(attempt_bounds, 4);
    buckets.add(attempt_bounds, 51);

    EXPECT_EQ(buckets.counts[0], 1U);
    EXPECT_EQ(buckets.counts[3], 1U);
    EXPECT_EQ(buckets.counts.back(), 1U);
    EXPECT_DOUBLE_EQ(buckets.sum, 56);
}

TEST(MeterTest, LosesNothingOfManyThreads) {
    SharedDurations durations;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int i = 0; i < 1000; ++i)
                    durations.put(std::chrono::milliseconds(2));
            });
        }
    }

    const DurationBuckets buckets = durations.read();
    EXPECT_EQ(buckets.total(), 4000U);
    EXPECT_NEAR(buckets.sum, 8, 1e-6);
}

TEST(MeterTest, TypesBeyondTheLimitShareOneMeter) {
    Meters meters;
    JobMeter& first = meters.of("mail", "t0");
    for (std::size_t i = 1; i < Meters::types_max; ++i)
        meters.of("mail", "t" + std::to_string(i));

    JobMeter& other = meters.of("mail", "one-more");

    EXPECT_EQ(other.ended.type, "other");
    EXPECT_EQ(&other, &meters.of("mail", "and-another"));
    EXPECT_NE(&other, &meters.of("sms", "and-another")) << "queues stay apart";
    EXPECT_EQ(&first, &meters.of("mail", "t0"));
    EXPECT_EQ(meters.of("sms", "t0").ended.type, "t0") << "a known type is known in every queue";
    EXPECT_EQ(meters.all().size(), Meters::types_max + 3);
}

}  // namespace
}  // namespace tranter::worker
