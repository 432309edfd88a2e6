#include "worker/store_watch.hpp"

#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(StoreWatchTest, RemembersTheLastErrorAndWhenTheStoreAnswered) {
    StoreWatch watch;
    EXPECT_FALSE(watch.state().answered_at);

    const Error gone(Errc::unavailable, "http://a:hunter2@host is\ngone");
    watch.failed(StoreCall::receive, "mail", gone);
    watch.answered_in(StoreCall::receive, "mail", 3ms);

    const StoreWatch::State state = watch.state();
    EXPECT_TRUE(state.answered_at);
    EXPECT_EQ(state.latency, 3ms);
    EXPECT_EQ(state.last_error, "http://a:[redacted]@host is\\ngone");
    EXPECT_TRUE(state.last_error_at);
}

TEST(StoreWatchTest, WhatStillAnswersDoesNotHideWhatDoesNot) {
    const Error full(Errc::unavailable, "no space left");
    StoreWatch watch;
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) {
        watch.failed(StoreCall::settle, "mail", full);
        watch.answered(StoreCall::receive, "mail");
    }
    const std::string meanwhile = testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    watch.answered(StoreCall::settle, "mail");
    watch.answered(StoreCall::settle, "mail");
    const std::string after = testing::internal::GetCapturedStderr();

    EXPECT_EQ(std::ranges::count(meanwhile, '\n'), 1) << meanwhile;
    EXPECT_THAT(meanwhile, HasSubstr("no space left"));
    EXPECT_EQ(std::ranges::count(after, '\n'), 1) << after;
    EXPECT_THAT(after, HasSubstr("answers again"));
}

TEST(StoreWatchTest, AnEmptyQueueDoesNotHideOneThatIsNotAnswered) {
    start_logging({});  // nothing was said before
    StoreWatch watch;
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) {
        watch.failed(StoreCall::receive, "mail", Error(Errc::unavailable, "no space left"));
        watch.answered(StoreCall::receive, "empty");
    }
    const std::string text = testing::internal::GetCapturedStderr();

    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_THAT(text, HasSubstr("mail"));
    EXPECT_THAT(text, HasSubstr("no space left"));
}

/// With leases of 30 s, at moments of a test's own.
class FailingTest : public testing::Test {
  public:
    ~FailingTest() override = default;

  protected:
    void fail_at(StoreWatch::Clock::duration time, StoreCall call, Errc code = Errc::unavailable) {
        watch_.failed(call, "mail", Error(code, "no space left"), start_ + time);
    }
    auto failing_at(StoreWatch::Clock::duration time) {
        return watch_.state(start_ + time).failing;
    }

    StoreWatch watch_{30s};
    const StoreWatch::Moment start_ = StoreWatch::Clock::now();
};

TEST_F(FailingTest, LastsOnceItHasFailedForHalfALease) {
    EXPECT_FALSE(failing_at(0s));
    fail_at(0s, StoreCall::settle);
    fail_at(14s, StoreCall::settle);
    EXPECT_FALSE(failing_at(14s)->lasts);

    fail_at(15s, StoreCall::settle);

    EXPECT_TRUE(failing_at(16s)->lasts);
    EXPECT_EQ(sentence_of(*failing_at(16s)), "outcomes of queue mail have not been stored for 16s");
}

TEST_F(FailingTest, IsOverWithTheFirstSuccess) {
    fail_at(0s, StoreCall::settle);
    fail_at(20s, StoreCall::settle);
    watch_.answered(StoreCall::receive, "mail");
    watch_.answered(StoreCall::settle, "another");
    EXPECT_TRUE(failing_at(20s)->lasts);

    watch_.answered(StoreCall::settle, "mail");

    EXPECT_FALSE(failing_at(20s));
    fail_at(21s, StoreCall::settle);
    EXPECT_FALSE(failing_at(40s)->lasts) << "that was one failure";
}

TEST_F(FailingTest, RenewalsAreNotMissedOnceOutcomesAreStored) {
    fail_at(0s, StoreCall::extend);
    fail_at(20s, StoreCall::extend);
    EXPECT_EQ(sentence_of(*failing_at(20s)), "leases of queue mail have not been renewed for 20s");

    watch_.answered(StoreCall::settle, "mail");

    EXPECT_FALSE(failing_at(20s));
}

TEST_F(FailingTest, WhatIsNotTriedAnyMoreIsForgotten) {
    fail_at(0s, StoreCall::settle);
    fail_at(20s, StoreCall::settle);
    EXPECT_TRUE(failing_at(20s + StoreWatch::forgotten_after - 1s));
    EXPECT_FALSE(failing_at(20s + StoreWatch::forgotten_after));

    fail_at(1h, StoreCall::settle);

    EXPECT_FALSE(failing_at(1h)->lasts) << "nobody knows of the hour between";
}

TEST_F(FailingTest, WhatIsRefusedForGoodDoesNotCount) {
    for (const Errc code : {Errc::not_found, Errc::conflict, Errc::invalid_argument}) {
        fail_at(0s, StoreCall::extend, code);
        fail_at(20s, StoreCall::extend, code);
    }
    EXPECT_FALSE(failing_at(20s));
    EXPECT_EQ(watch_.state().last_error, "no space left");
}

TEST_F(FailingTest, TheOneThatHasFailedLongestIsShown) {
    fail_at(0s, StoreCall::extend);
    fail_at(1s, StoreCall::settle);
    fail_at(17s, StoreCall::settle);
    fail_at(18s, StoreCall::receive);

    EXPECT_EQ(failing_at(18s)->call, StoreCall::settle);
    EXPECT_TRUE(failing_at(18s)->lasts);
}

TEST(StoreWatchTest, LongLeasesDoNotMakeItPatient) {
    EXPECT_EQ(StoreWatch::patience_with(5s), 2500ms);
    EXPECT_EQ(StoreWatch::patience_with(12h), 1min);
}

using Answers = Result<std::vector<Result<>>>;

TEST(TemporaryTest, IsFoundInTheCallAndInEachAnswer) {
    const Result<> conflict = fail(Errc::conflict, "over");
    const Result<> busy = fail(Errc::unavailable, "busy");

    EXPECT_FALSE(temporary_of(Answers(std::vector<Result<>>{{}, conflict}), 2));
    EXPECT_FALSE(temporary_of(Answers(fail(Errc::not_found, "no queue")), 2));
    EXPECT_EQ(temporary_of(Answers(fail(Errc::timed_out, "late")), 2)->message(), "late");
    EXPECT_EQ(temporary_of(Answers(std::vector<Result<>>{{}, busy}), 2)->message(), "busy");
    EXPECT_TRUE(temporary_of(Answers(std::vector<Result<>>{{}}), 2)) << "one is missing";
}

}  // namespace
}  // namespace tranter::worker
