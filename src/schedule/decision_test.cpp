#include "schedule/decision.hpp"

#include "schedule/test_time.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>
#include <vector>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

TimePoint moment(std::string_view text) {
    return test::utc_floor(text);
}

class DecisionTest : public testing::Test {
  public:
    DecisionTest() = default;
    ~DecisionTest() override = default;
    DecisionTest(const DecisionTest&) = delete;
    DecisionTest& operator=(const DecisionTest&) = delete;

  protected:
    ScheduleRules& rules() { return schedule_.definition.rules; }
    Schedule& schedule() { return schedule_; }

    SlotPlan plan(std::string_view expression, std::string_view next, std::string_view now) {
        schedule_.definition.name = "daily";
        const Cadence cadence = Cadence::parse(expression, {}, zones_).value();
        const NextSlot first =
            next_slot(cadence, schedule_.definition, schedule_.runs, to_slot(moment(next)) - 1ms);
        schedule_.next_slot = first.slot;
        schedule_.next_due = first.due;
        return plan_slots(cadence, schedule_, moment(now));
    }

    NextSlot next(std::string_view expression, std::string_view after, std::uint64_t runs = 0) {
        const Cadence cadence = Cadence::parse(expression, {}, zones_).value();
        return next_slot(cadence, schedule_.definition, runs, to_slot(moment(after)));
    }

  private:
    ZoneDirectory zones_{};
    Schedule schedule_{};
};

std::vector<std::string> texts(const std::vector<UtcMillis>& slots) {
    std::vector<std::string> out;
    for (const UtcMillis slot : slots)
        out.push_back(test::utc_text(std::chrono::floor<std::chrono::seconds>(slot)));
    return out;
}

using Texts = std::vector<std::string>;

TEST_F(DecisionTest, ASlotThatIsOnTimeRunsUnderEveryPolicy) {
    for (const Misfire policy : {Misfire::run_once, Misfire::run_all, Misfire::skip}) {
        rules().misfire.policy = policy;
        const SlotPlan done = plan("0 9 * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:00:59Z");
        EXPECT_EQ(texts(done.run), Texts{"2026-03-02T09:00:00Z"});
        EXPECT_EQ(done.missed, 0U);
        EXPECT_EQ(done.next.slot, moment("2026-03-03T09:00:00Z"));
    }
}

TEST_F(DecisionTest, NothingRunsEarly) {
    const SlotPlan done = plan("0 9 * * *", "2026-03-02T09:00:00Z", "2026-03-02T08:59:59Z");

    EXPECT_TRUE(done.run.empty());
    EXPECT_EQ(done.missed, 0U);
    EXPECT_EQ(done.next.slot, moment("2026-03-02T09:00:00Z"));
}

TEST_F(DecisionTest, AfterADowntimeTheLatestSlotRunsOnce) {
    const SlotPlan done = plan("*/10 * * * *", "2026-03-02T09:00:00Z", "2026-03-02T11:05:00Z");

    EXPECT_EQ(texts(done.run), Texts{"2026-03-02T11:00:00Z"});
    EXPECT_EQ(done.missed, 12U);
    EXPECT_EQ(done.next.slot, moment("2026-03-02T11:10:00Z"));
}

TEST_F(DecisionTest, ASlotThatIsOnTimeStandsForThoseBeforeIt) {
    const SlotPlan done = plan("*/10 * * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:30:05Z");

    EXPECT_EQ(texts(done.run), Texts{"2026-03-02T09:30:00Z"});
    EXPECT_EQ(done.missed, 3U);
}

TEST_F(DecisionTest, WhatIsOlderThanTheWindowIsMissed) {
    const SlotPlan done = plan("0 9 * * *", "2026-03-02T09:00:00Z", "2026-03-02T10:00:01Z");

    EXPECT_TRUE(done.run.empty());
    EXPECT_EQ(done.missed, 1U);
    EXPECT_EQ(done.next.slot, moment("2026-03-03T09:00:00Z"));
}

TEST_F(DecisionTest, RunAllRunsTheNewestOldestFirst) {
    rules().misfire = {.policy = Misfire::run_all, .window = 24h, .cap = 3};

    const SlotPlan done = plan("0 * * * *", "2026-03-02T00:00:00Z", "2026-03-02T06:30:00Z");

    EXPECT_EQ(
        texts(done.run),
        (Texts{"2026-03-02T04:00:00Z", "2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"})
    );
    EXPECT_EQ(done.missed, 4U);
}

TEST_F(DecisionTest, SkipRunsNothingThatIsLate) {
    rules().misfire.policy = Misfire::skip;

    const SlotPlan done = plan("* * * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:05:30Z");

    EXPECT_EQ(texts(done.run), Texts{"2026-03-02T09:05:00Z"});
    EXPECT_EQ(done.missed, 5U);
}

TEST_F(DecisionTest, ALongDowntimeOfAFastScheduleIsCountedToABound) {
    const SlotPlan done = plan("* * * * * *", "2020-01-01T00:00:00Z", "2026-03-02T09:00:00Z");

    EXPECT_EQ(done.run.size(), 61U);
    EXPECT_EQ(done.missed, slots_counted_max - 61);
    EXPECT_EQ(done.next.slot, moment("2026-03-02T09:00:01Z"));
}

TEST_F(DecisionTest, StartEndAndTheNumberOfRunsAreKept) {
    rules().start_at = moment("2026-03-02T09:00:00Z");
    rules().end_at = moment("2026-03-04T09:00:00Z");

    EXPECT_EQ(next("0 9 * * *", "2026-01-01T00:00:00Z").slot, moment("2026-03-02T09:00:00Z"));
    EXPECT_EQ(next("0 9 * * *", "2026-03-03T09:00:00Z").slot, moment("2026-03-04T09:00:00Z"));
    EXPECT_FALSE(next("0 9 * * *", "2026-03-04T09:00:00Z").slot);
    EXPECT_FALSE(plan("0 9 * * *", "2026-03-04T09:00:00Z", "2026-03-04T09:00:10Z").next.slot);
    rules().max_runs = 2;
    EXPECT_TRUE(next("0 9 * * *", "2026-01-01T00:00:00Z", 1).slot);
    EXPECT_FALSE(next("0 9 * * *", "2026-01-01T00:00:00Z", 2).slot);
    schedule().runs = 1;
    const SlotPlan last = plan("0 9 * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:00:10Z");
    EXPECT_EQ(last.run.size(), 1U);
    EXPECT_FALSE(last.next.slot);
}

TEST_F(DecisionTest, JitterIsTheSameForTheSameSlotAndEndsBeforeTheNext) {
    schedule().definition.name = "daily";
    rules().jitter = 30min;
    std::size_t different = 0;
    std::string_view after = "2026-03-02T00:00:00Z";
    const NextSlot first = next("*/5 * * * *", after);
    for (UtcMillis slot = to_slot(*first.slot); slot < to_slot(*first.slot) + 5h; slot += 5min) {
        const Cadence cadence = [] {
            ZoneDirectory zones;
            return Cadence::parse("*/5 * * * *", {}, zones).value();
        }();
        const NextSlot one = next_slot(cadence, schedule().definition, 0, slot - 1ms);
        EXPECT_EQ(one, next_slot(cadence, schedule().definition, 0, slot - 1ms));
        EXPECT_EQ(one.slot, slot);
        EXPECT_GE(*one.due, *one.slot);
        EXPECT_LT(*one.due, *one.slot + 5min);
        if (*one.due - *one.slot != *first.due - *first.slot) ++different;
    }
    EXPECT_GT(different, 50U);
}

TEST_F(DecisionTest, ASlotWaitsForItsJitterAndThenRunsOnce) {
    rules().jitter = 50s;
    plan("* * * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z");
    const TimePoint due = schedule().next_due.value();
    ASSERT_GT(due, moment("2026-03-02T09:00:00Z") + 1s);
    ZoneDirectory zones;
    const Cadence cadence = Cadence::parse("* * * * *", {}, zones).value();

    EXPECT_TRUE(plan_slots(cadence, schedule(), due - 1us).run.empty());
    EXPECT_EQ(plan_slots(cadence, schedule(), due - 1us).next.due, due);
    EXPECT_EQ(plan_slots(cadence, schedule(), due).run.size(), 1U);
    EXPECT_EQ(plan_slots(cadence, schedule(), due).next.slot, moment("2026-03-02T09:01:00Z"));
}

std::vector<RunState> states(Overlap overlap, std::size_t slots, const Standing& standing) {
    std::vector<UtcMillis> all(slots);
    for (std::size_t i = 0; i < slots; ++i)
        all[i] = UtcMillis(std::chrono::minutes(i));
    std::vector<RunState> out;
    for (const NewRun& run : apply_overlap(overlap, all, standing))
        out.push_back(run.state);
    return out;
}

using States = std::vector<RunState>;
constexpr RunState claimed = RunState::claimed;
constexpr RunState buffered = RunState::buffered;
constexpr RunState skipped = RunState::skipped;

TEST(OverlapPolicy, DecidesByWhatIsNotFinished) {
    const Standing busy{.busy = true};
    EXPECT_EQ(states(Overlap::allow, 2, busy), (States{claimed, claimed}));
    EXPECT_EQ(states(Overlap::skip, 2, {}), (States{claimed, skipped}));
    EXPECT_EQ(states(Overlap::skip, 1, busy), (States{skipped}));
    EXPECT_EQ(states(Overlap::buffer_one, 3, {}), (States{claimed, buffered, skipped}));
    EXPECT_EQ(states(Overlap::buffer_one, 1, {.busy = true, .buffered = 1}), (States{skipped}));
    EXPECT_EQ(states(Overlap::buffer_all, 2, busy), (States{buffered, buffered}));
    EXPECT_EQ(states(Overlap::buffer_all, 1, {.buffered = 1}), (States{buffered}));
    EXPECT_EQ(states(Overlap::cancel_other, 1, {}), (States{claimed}));
    EXPECT_EQ(states(Overlap::cancel_other, 2, busy), (States{skipped, buffered}));
}

TEST(RestAfterFailure, GrowsToAMinute) {
    EXPECT_EQ(rest_after(0), 1s);
    EXPECT_EQ(rest_after(3), 8s);
    EXPECT_EQ(rest_after(6), 1min);
    EXPECT_EQ(rest_after(4'000'000'000), 1min);
}

}  // namespace
}  // namespace tranter::schedule
