#include "cli/bulk.hpp"

#include "cli/exit_code.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

TEST(RefusalsTest, AreTheWholeStatusOnlyWhenNothingWasDone) {
    Progress progress({.enabled = false});
    Refusals refusals(progress);
    EXPECT_EQ(refusals.exit_status(0), 0);
    EXPECT_EQ(refusals.exit_status(5), 0);

    refusals.add("line 1", Error(Errc::not_found, "there is no such queue"));
    refusals.add("line 2", Error(Errc::conflict, "it is finished"));

    EXPECT_EQ(refusals.count(), 2U);
    EXPECT_EQ(refusals.exit_status(0), static_cast<int>(ExitCode::not_found));
    EXPECT_EQ(refusals.exit_status(5), static_cast<int>(ExitCode::partial));
}

TEST(RefusalsTest, SayTheFirstTenAndCountTheRest) {
    Progress progress({.enabled = false});
    Refusals refusals(progress);
    testing::internal::CaptureStderr();

    for (int i = 1; i <= 12; ++i) {
        refusals.add("line " + std::to_string(i), Error(Errc::conflict, "no"));
    }

    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("tranter: line 10: no\n"), std::string::npos);
    EXPECT_EQ(said.find("line 11"), std::string::npos);
    EXPECT_EQ(refusals.count(), 12U);
}

TEST(RefusalsTest, StoresThatDoNotAnswerEndEverything) {
    EXPECT_TRUE(concerns_one(Errc::limit_exceeded));
    EXPECT_TRUE(concerns_one(Errc::conflict));
    EXPECT_FALSE(concerns_one(Errc::unavailable));
    EXPECT_FALSE(concerns_one(Errc::unauthenticated));
    EXPECT_FALSE(concerns_one(Errc::unsupported));
}

TEST(PaceTest, BatchesAreATenthOfASecondAndAtLeastOne) {
    EXPECT_EQ(Pace(std::nullopt).batch(1000), 1000U);
    EXPECT_EQ(Pace(500).batch(1000), 50U);
    EXPECT_EQ(Pace(1'000'000).batch(1000), 1000U);
    EXPECT_EQ(Pace(3).batch(1000), 1U);
}

TEST(PaceTest, NothingIsDoneBeforeItsTime) {
    const auto begin = std::chrono::steady_clock::now();
    const Pace pace(1000);

    pace.keep(20);

    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace tranter::cli
