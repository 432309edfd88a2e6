#include "storage/log_sizes.hpp"

#include <gtest/gtest.h>

namespace tranter::storage {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t gibibyte = 1U << 30U;

log::LogOptions fit(std::uint64_t segment, std::uint64_t file_system) {
    log::LogOptions wanted;
    wanted.segment_bytes = static_cast<std::uint32_t>(segment);
    return fit_log_options(wanted, file_system);
}

TEST(LogSizesTest, ALargeFileSystemGetsWhatWasAskedForAndReservesTwoSegments) {
    const log::LogOptions sizes = fit(64 * mebibyte, 100 * gibibyte);

    EXPECT_EQ(sizes.segment_bytes, 64 * mebibyte);
    EXPECT_EQ(sizes.reserve_bytes, 128 * mebibyte);
}

TEST(LogSizesTest, ASegmentIsAtMostAThirtySecondOfTheFileSystem) {
    EXPECT_EQ(fit(64 * mebibyte, 2 * gibibyte).segment_bytes, 64 * mebibyte);
    EXPECT_EQ(fit(64 * mebibyte, 1 * gibibyte).segment_bytes, 32 * mebibyte);
}

TEST(LogSizesTest, TheReserveIsAtMostATwentiethOfTheFileSystem) {
    EXPECT_EQ(fit(64 * mebibyte, 1 * gibibyte).reserve_bytes, gibibyte / 20);
    EXPECT_EQ(fit(8 * mebibyte, 1 * gibibyte).reserve_bytes, 16 * mebibyte);
}

TEST(LogSizesTest, ASegmentIsAtLeastAMebibyteOnATinyFileSystem) {
    const log::LogOptions sizes = fit(64 * mebibyte, 8 * mebibyte);

    EXPECT_EQ(sizes.segment_bytes, mebibyte);
    EXPECT_EQ(sizes.reserve_bytes, 8 * mebibyte / 20);
}

TEST(LogSizesTest, AFileSystemThatDoesNotSayItsSizeLimitsNothing) {
    const log::LogOptions sizes = fit(gibibyte, 0);

    EXPECT_EQ(sizes.segment_bytes, gibibyte);
    EXPECT_EQ(sizes.reserve_bytes, 2 * gibibyte);
}

TEST(LogSizesTest, KeepsWhatIsNotAQuestionOfSize) {
    const log::LogOptions sizes =
        fit_log_options({.durability = log::Durability::os, .grow_bytes = 4096}, gibibyte);

    EXPECT_EQ(sizes.durability, log::Durability::os);
    EXPECT_EQ(sizes.grow_bytes, 4096U);
}

TEST(LogSizesTest, AsksTheKernelForTheSizeOfTheFileSystem) {
    EXPECT_GT(file_system_bytes("/"), mebibyte);
    EXPECT_EQ(file_system_bytes("/nonexistent"), 0U);
}

}  // namespace
}  // namespace tranter::storage
