#include "worker/conclusion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct OddError {};
class OwnError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class Thrown>
Failed failure_of(const Thrown& thrown) {
    try {
        throw thrown;
    } catch (...) {
        return failure_of_current_exception();
    }
}

AttemptOutcome conclude_after(StopReason reason, AttemptOutcome outcome) {
    return conclude({}, {}, reason, std::move(outcome), 0);
}

/// With the default policy: all have to complete.
AttemptOutcome combine_all(std::vector<AttemptOutcome> runs) {
    return combine(std::move(runs), {});
}

template <class T>
bool is(const AttemptOutcome& outcome) {
    return std::holds_alternative<T>(outcome);
}

TEST(FailureTest, AnExceptionIsKnownByTypeAndText) {
    EXPECT_EQ(failure_of(std::invalid_argument("x")).type, "std::invalid_argument");
    EXPECT_EQ(failure_of(std::invalid_argument("x")).text, "x");
    EXPECT_THAT(failure_of(OwnError("y")).type, HasSubstr("OwnError"));
    EXPECT_EQ(failure_of(OwnError("y")).text, "y");
}

TEST(FailureTest, WhatIsNoExceptionIsSaidToo) {
    EXPECT_EQ(failure_of(std::string("text")).text, "text");
    EXPECT_THAT(failure_of(OddError{}).type, HasSubstr("OddError"));
    EXPECT_THAT(failure_of(OddError{}).text, HasSubstr("no std::exception"));
    EXPECT_EQ(failure_of(7).type, "int");
}

TEST(PresentableTest, TextIsUtf8AndNotEndless) {
    EXPECT_EQ(presentable("a\nb"), "a\nb");
    EXPECT_EQ(presentable("\xff"), "\xEF\xBF\xBD");
    EXPECT_LT(presentable(std::string(1'000'000, 'x')).size(), 5000);
}

TEST(ConcludeTest, WhatTheHandlerSaysCounts) {
    EXPECT_EQ(std::get<Completed>(conclude_after(StopReason::none, Completed{"1"})).result, "1");
    EXPECT_TRUE(is<Failed>(conclude_after(StopReason::none, Failed{})));
    EXPECT_TRUE(is<Stopped>(conclude_after(StopReason::none, Stopped{})));
}

TEST(ConcludeTest, AtTheEndOfTheWorkerAFailureIsAnInterruption) {
    EXPECT_TRUE(is<Released>(conclude_after(StopReason::shutdown, Failed{})));
    EXPECT_TRUE(is<Released>(conclude_after(StopReason::shutdown, Stopped{})));
    EXPECT_TRUE(is<Completed>(conclude_after(StopReason::shutdown, Completed{})));
    EXPECT_TRUE(is<Dead>(conclude_after(StopReason::shutdown, Dead{})));
    EXPECT_TRUE(is<Snoozed>(conclude_after(StopReason::shutdown, Snoozed{})));
}

TEST(ConcludeTest, WhoWasCancelledStoppedUnlessItHadCompleted) {
    EXPECT_TRUE(is<Stopped>(conclude_after(StopReason::cancelled, Failed{})));
    EXPECT_TRUE(is<Stopped>(conclude_after(StopReason::cancelled, Released{})));
    EXPECT_TRUE(is<Stopped>(conclude_after(StopReason::cancelled, Dead{})));
    EXPECT_TRUE(is<Completed>(conclude_after(StopReason::cancelled, Completed{})));
}

TEST(ConcludeTest, TheRetryPolicyOfTheHandlerCountsMoreThanThatOfTheJob) {
    const ReceivedJob job{.attempt = 2, .options = {.retry = {.max_attempts = 9}}};
    const HandlerOptions patient{.retry = RetryPolicy{.max_attempts = 3, .base = 10s}};
    const HandlerOptions strict{.retry = RetryPolicy{.max_attempts = 2}};

    const auto again = conclude(job, patient, StopReason::none, Failed{.text = "x"}, 0);
    const auto end = conclude(job, strict, StopReason::none, Failed{"type", "x"}, 0);
    const auto by_handler = conclude(job, patient, StopReason::none, Failed{.retry_after = 1s}, 0);

    EXPECT_EQ(std::get<Failed>(again).retry_after, 20s);
    EXPECT_EQ(std::get<Dead>(end).type, "type");
    EXPECT_EQ(std::get<Dead>(end).reason, "x");
    EXPECT_EQ(std::get<Failed>(by_handler).retry_after, 1s);
}

TEST(ConcludeTest, ItIsSaidWhenTheJobAllowsFewerAttemptsThanTheHandler) {
    const HandlerOptions stubborn{.retry = RetryPolicy{.max_attempts = 40}};
    const auto text_after = [&](std::uint32_t attempt) {
        const ReceivedJob job{.attempt = attempt, .options = {.retry = {.max_attempts = 3}}};
        const auto outcome = conclude(job, stubborn, StopReason::none, Failed{.text = "x"}, 0);
        return std::get<Failed>(outcome).text;
    };

    EXPECT_EQ(text_after(2), "x");
    EXPECT_EQ(text_after(3), "x (the job allows 3 attempts, its handler would take 40)");
}

TEST(ConcludeTest, WhatIsDeadHasATypeAlways) {
    const auto type_of = [](Dead dead) {
        return std::get<Dead>(conclude_after(StopReason::none, std::move(dead))).type;
    };

    EXPECT_EQ(type_of({.reason = "no"}), "dead");
    EXPECT_EQ(type_of({.type = "NoUser", .reason = "no"}), "NoUser");
}

TEST(ConcludeTest, RestsAreFromZeroToTenYears) {
    const auto retried = [](Milliseconds after) {
        return *std::get<Failed>(conclude_after(StopReason::none, Failed{.retry_after = after}))
                    .retry_after;
    };
    const auto snoozed = [](Milliseconds after) {
        return std::get<Snoozed>(conclude_after(StopReason::none, Snoozed{after})).after;
    };

    EXPECT_EQ(retried(-1s), 0s);
    EXPECT_EQ(retried(Milliseconds::max()), 24h * 3650);
    EXPECT_EQ(snoozed(-1s), 0s);
    EXPECT_EQ(snoozed(5s), 5s);
}

TEST(CombineTest, ResultsAreInTheOrderOfTheRuns) {
    const auto outcome = combine_all({Completed{"1"}, Completed{}, Completed{R"({"a":3})"}});

    EXPECT_EQ(std::get<Completed>(outcome).result, R"([1,null,{"a":3}])");
}

TEST(CombineTest, OneRunStandsForItself) {
    EXPECT_EQ(std::get<Completed>(combine_all({Completed{"1"}})).result, "1");
    EXPECT_EQ(std::get<Failed>(combine_all({Failed{.text = "x"}})).text, "x");
}

TEST(CombineTest, TheWorstRunDecides) {
    const auto failed =
        combine_all({Completed{"1"}, Failed{.text = "first"}, Failed{.text = "second"}, Released{}}
        );
    const auto dead = combine_all({Failed{.text = "x"}, Dead{.reason = "y"}});
    const auto stopped = combine_all({Stopped{}, Released{}, Completed{}});

    EXPECT_EQ(std::get<Failed>(failed).text, "run 2 of 4: first");
    EXPECT_EQ(std::get<Dead>(dead).reason, "run 2 of 2: y");
    EXPECT_TRUE(is<Stopped>(stopped));
    EXPECT_TRUE(is<Released>(combine_all({Completed{}, Released{}})));
    EXPECT_TRUE(is<Snoozed>(combine_all({Snoozed{}, Stopped{}})));
}

TEST(CombineTest, AsManyHaveToCompleteAsThePolicySays) {
    const auto combined = [](SuccessPolicy success) {
        return combine({Failed{.text = "x"}, Completed{"2"}, Completed{}}, {.success = success});
    };

    EXPECT_EQ(std::get<Completed>(combined(SuccessPolicy::any())).result, "[null,2,null]");
    EXPECT_EQ(std::get<Completed>(combined(SuccessPolicy::at_least(2))).result, "[null,2,null]");
    EXPECT_EQ(std::get<Failed>(combined(SuccessPolicy::at_least(3))).text, "run 1 of 3: x");
    EXPECT_EQ(std::get<Failed>(combined(SuccessPolicy::at_least(9))).text, "run 1 of 3: x");
}

TEST(CombineTest, AllResultsTogetherHaveTheLimitOfOne) {
    const std::string half(result_bytes_max / 2, '1');

    const auto outcome = combine_all({Completed{half}, Completed{half}});

    EXPECT_THAT(std::get<Dead>(outcome).reason, HasSubstr("limit is 262144"));
}

}  // namespace
}  // namespace tranter::worker
