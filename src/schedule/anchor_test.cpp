#include "schedule/registration.hpp"
#include "schedule/test_jobs.hpp"
#include "schedule/test_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Intervals that do not count from 1970.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr TimePoint anchor_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};
/// When the schedule is made: between two slots of everybody else.
constexpr TimePoint made_at = anchor_epoch + 3min + 7s;

class AnchorTest : public testing::Test {
  public:
    AnchorTest() {
        jobs_.now = [this] {
            return now_;
        };
    }
    ~AnchorTest() override = default;
    AnchorTest(const AnchorTest&) = delete;
    AnchorTest& operator=(const AnchorTest&) = delete;

  protected:
    Registry registry() { return {.store = *store_, .zones = zones_}; }

    static ScheduleDefinition every_ten_minutes(IntervalAnchor anchor) {
        return {
            .name = "s",
            .expression = "every 10 minutes",
            .type = "t",
            .rules = {.anchor = anchor}};
    }
    void make(const ScheduleDefinition& definition) {
        const auto made = add(registry(), definition, ScheduleSource::code, made_at);
        ASSERT_TRUE(made) << made.error().message();
    }
    std::string refusal(const ScheduleDefinition& definition) {
        const auto made = add(registry(), definition, ScheduleSource::code, made_at);
        return made ? "" : made.error().message();
    }
    Schedule schedule() { return store_->find("s").value(); }

    /// What a scheduler does so much after the schedule was made.
    void act_at(std::chrono::microseconds after) {
        now_ = made_at + after;
        ASSERT_TRUE(promoter_.promote());
    }
    void finish_last(std::chrono::microseconds after) {
        auto& job = jobs_.jobs.at(jobs_.order.back());
        job.state = JobState::completed;
        job.finished_at = made_at + after;
    }
    /// Slots that became jobs, counted from when the schedule was made.
    std::vector<std::chrono::seconds> slots() {
        std::vector<std::chrono::seconds> out;
        const auto all = jobs_.slots();
        const auto ours = all.find("s");
        if (ours == all.end()) return out;
        for (const std::string& text : ours->second)
            out.push_back(
                test::utc_floor(text) - std::chrono::floor<std::chrono::seconds>(made_at)
            );
        return out;
    }
    std::chrono::seconds next_slot_after_made() {
        return std::chrono::floor<std::chrono::seconds>(schedule().next_slot.value() - made_at);
    }

    TimePoint now_ = made_at;
    ZoneDirectory zones_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};
    Promoter promoter_{*store_, jobs_, zones_, [this] { return now_; }, Promoter::Options{}};
};

using Seconds = std::vector<std::chrono::seconds>;

TEST_F(AnchorTest, FromItsRegistrationOnTheFirstSlotIsAPeriodLater) {
    make(every_ten_minutes(IntervalAnchor::registration));

    act_at(10min - 1us);
    EXPECT_TRUE(slots().empty());
    act_at(10min);
    act_at(20min);

    EXPECT_EQ(slots(), (Seconds{10min, 20min}));
    EXPECT_EQ(preview(registry(), schedule(), 2, now_)->back(), made_at + 40min);
}

TEST_F(AnchorTest, AnEditLeavesTheRegistrationWhereItIs) {
    make(every_ten_minutes(IntervalAnchor::registration));
    now_ = made_at + 11min;

    const auto edited = edit(registry(), "s", now_, [](ScheduleDefinition& definition) -> Result<> {
        definition.expression = "every 15 minutes";
        return {};
    });

    ASSERT_TRUE(edited) << edited.error().message();
    EXPECT_EQ(edited->next_slot, made_at + 15min);
}

TEST_F(AnchorTest, SlotsOfThePastAreCountedFromTheRegistration) {
    make(every_ten_minutes(IntervalAnchor::registration));
    const Period period{.from = made_at - 1h, .to = made_at + 25min};

    const auto found =
        backfill(registry(), "s", {.period = period, .dry_run = true}, made_at + 25min);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->slots, (std::vector<TimePoint>{made_at + 10min, made_at + 20min}));
}

TEST_F(AnchorTest, ASlotComesAPeriodAfterTheJobBeforeHasEnded) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);
    ASSERT_EQ(slots(), Seconds{10min});

    act_at(20min);  // the job still runs
    act_at(30min);
    EXPECT_EQ(slots().size(), 1U);
    finish_last(33min);
    act_at(40min);
    EXPECT_EQ(next_slot_after_made(), 43min);
    act_at(43min - 1us);
    EXPECT_EQ(slots().size(), 1U);
    act_at(43min);

    EXPECT_EQ(slots(), (Seconds{10min, 43min}));
    EXPECT_EQ(schedule().missed, 0U);
}

TEST_F(AnchorTest, LookingOncePerPeriodIsEnoughToBeOnTime) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    std::vector<TimePoint> ends;
    for (int looks = 0; looks < 100; ++looks) {
        now_ = store_->next_work()->recurring.value();
        if (!ends.empty() && ends.back() <= now_) finish_last(ends.back() - made_at);
        const std::size_t before = jobs_.order.size();
        ASSERT_TRUE(promoter_.promote());
        // From nothing to three periods.
        if (jobs_.order.size() > before) ends.push_back(now_ + (looks % 4) * 613s);
    }

    ASSERT_GT(jobs_.order.size(), 30U);
    for (std::size_t i = 1; i < jobs_.order.size(); ++i)
        EXPECT_EQ(jobs_.jobs.at(jobs_.order[i]).at, ends[i - 1] + 10min);
}

TEST_F(AnchorTest, AJobThatIsNotEnqueuedYetIsNotFinished) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    jobs_.before = [](std::string_view, std::span<const NewJob>) -> Result<> {
        return fail(Errc::unavailable, "no answer");
    };
    act_at(10min);
    act_at(20min);
    jobs_.before = {};
    act_at(21min + 5s);

    EXPECT_EQ(slots(), Seconds{10min});
    EXPECT_EQ(store_->runs_of("s", 10, false)->size(), 1U);
}

TEST_F(AnchorTest, AJobThatNobodyKnowsAnyMoreHasEnded) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);
    jobs_.find_error = Error(Errc::not_found, "history was trimmed");

    act_at(20min);

    EXPECT_EQ(slots(), (Seconds{10min, 20min}));
}

TEST_F(AnchorTest, AStoreOfJobsThatKnowsNoneIsSaidAndDoesNotRun) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);
    jobs_.find_error = Error(Errc::unsupported, "cannot find jobs");

    act_at(20min);

    EXPECT_EQ(slots().size(), 1U);
    EXPECT_EQ(schedule().last_error, "cannot find jobs");
}

TEST_F(AnchorTest, AfterADowntimeOneSlotRuns) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);
    finish_last(11min);

    act_at(60min);

    EXPECT_EQ(slots(), (Seconds{10min, 21min}));
    EXPECT_EQ(schedule().missed, 0U);
    EXPECT_EQ(next_slot_after_made(), 70min);
}

TEST_F(AnchorTest, AfterADowntimeNoSlotRunsWhenMisfireSaysSo) {
    ScheduleDefinition definition = every_ten_minutes(IntervalAnchor::after_completion);
    definition.rules.misfire.policy = Misfire::skip;
    make(definition);
    act_at(10min);
    finish_last(11min);

    act_at(60min);

    EXPECT_EQ(slots(), Seconds{10min});
    EXPECT_EQ(schedule().missed, 1U);
    act_at(70min);
    EXPECT_EQ(slots(), (Seconds{10min, 70min}));
}

TEST_F(AnchorTest, ASlotThatIsLeftOutByHandComesAPeriodLater) {
    make(every_ten_minutes(IntervalAnchor::after_completion));

    EXPECT_EQ(skip_next(registry(), "s", made_at + 1min), made_at + 10min);

    EXPECT_EQ(next_slot_after_made(), 20min);
    act_at(20min);
    EXPECT_EQ(slots(), Seconds{20min});
}

TEST_F(AnchorTest, NoSlotIsMissedForWhenItWasLookedAt) {
    ScheduleDefinition definition = every_ten_minutes(IntervalAnchor::after_completion);
    definition.rules.misfire.policy = Misfire::skip;
    definition.rules.jitter = 9min;
    make(definition);
    std::optional<TimePoint> end;
    for (int looks = 0; looks < 400; ++looks) {
        now_ = store_->next_work()->recurring.value();
        if (end && *end <= now_) finish_last(*end - made_at);
        const std::size_t before = jobs_.order.size();
        ASSERT_TRUE(promoter_.promote());
        if (jobs_.order.size() > before) end = now_ + (looks % 13) * 97s;
    }

    EXPECT_GT(jobs_.order.size(), 100U);
    EXPECT_EQ(schedule().missed, 0U);
}

TEST_F(AnchorTest, WhileTheJobRunsThereIsNoSlotToLeaveOut) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);

    const auto running = skip_next(registry(), "s", made_at + 11min, &jobs_);
    const auto unknown = skip_next(registry(), "s", made_at + 11min);
    jobs_.find_error = Error(Errc::unavailable, "no answer");
    const auto silent = skip_next(registry(), "s", made_at + 11min, &jobs_);
    jobs_.find_error.reset();
    finish_last(13min);
    const auto finished = skip_next(registry(), "s", made_at + 14min, &jobs_);

    EXPECT_EQ(running.error().code(), Errc::conflict);
    EXPECT_THAT(running.error().message(), HasSubstr("before its job has finished"));
    EXPECT_EQ(unknown.error().code(), Errc::unsupported);
    EXPECT_EQ(silent.error().code(), Errc::unavailable);
    EXPECT_EQ(finished, made_at + 23min);
    EXPECT_EQ(next_slot_after_made(), 33min);
    act_at(33min);
    EXPECT_EQ(slots(), (Seconds{10min, 33min}));
}

TEST_F(AnchorTest, WhetherItFiresIsAskedOfItsOwnSlots) {
    // Those of everybody else come at 10 min, and its own 10 min after it is made.
    for (const auto anchor : {IntervalAnchor::registration, IntervalAnchor::after_completion}) {
        ScheduleDefinition definition = every_ten_minutes(anchor);
        definition.rules.end_at = made_at + 9min;
        EXPECT_THAT(refusal(definition), HasSubstr("does not fire any more before end_at"));
    }
    ScheduleDefinition definition = every_ten_minutes(IntervalAnchor::registration);
    definition.rules.end_at = made_at + 15min;
    make(definition);
    const auto end_sooner = [&](std::chrono::minutes end) {
        return edit(registry(), "s", made_at + 5min, [&](ScheduleDefinition& one) -> Result<> {
            one.rules.end_at = made_at + end;
            return {};
        });
    };
    EXPECT_FALSE(end_sooner(9min));
    EXPECT_TRUE(end_sooner(11min));
}

TEST_F(AnchorTest, AClockThatGoesAheadOfOursDoesNotPutItOff) {
    make(every_ten_minutes(IntervalAnchor::after_completion));
    act_at(10min);
    finish_last(24h);

    act_at(20min);

    EXPECT_EQ(next_slot_after_made(), 30min);
}

TEST_F(AnchorTest, ItEndsAfterSoManyRuns) {
    ScheduleDefinition definition = every_ten_minutes(IntervalAnchor::after_completion);
    definition.rules.max_runs = 2;
    make(definition);
    for (const auto at : {10min, 20min, 30min, 40min}) {
        act_at(at);
        finish_last(at);
    }

    EXPECT_EQ(slots(), (Seconds{10min, 20min}));
    EXPECT_FALSE(schedule().next_slot);
}

TEST_F(AnchorTest, WhatMakesNoSenseWithAnAnchorIsRefused) {
    ScheduleDefinition cron = every_ten_minutes(IntervalAnchor::registration);
    cron.expression = "*/10 * * * *";
    EXPECT_THAT(refusal(cron), HasSubstr("anchor is registration, which is for intervals"));
    ScheduleDefinition starting = every_ten_minutes(IntervalAnchor::after_completion);
    starting.expression = "every 10 minutes starting 2026-03-02T00:00:00Z";
    EXPECT_THAT(refusal(starting), HasSubstr("leave out anchor or \"starting\""));
    ScheduleDefinition overlap = every_ten_minutes(IntervalAnchor::after_completion);
    overlap.rules.overlap = Overlap::skip;
    EXPECT_THAT(refusal(overlap), HasSubstr("no slot can overlap"));
    ScheduleDefinition all = every_ten_minutes(IntervalAnchor::after_completion);
    all.rules.misfire.policy = Misfire::run_all;
    EXPECT_THAT(refusal(all), HasSubstr("only one slot can be missed"));

    make(every_ten_minutes(IntervalAnchor::after_completion));
    const auto found =
        backfill(registry(), "s", {.period = {made_at, made_at}, .dry_run = true}, made_at);
    EXPECT_EQ(found.error().code(), Errc::invalid_argument);
}

TEST_F(AnchorTest, WordsSayFromWhenItCounts) {
    const auto words = [&](IntervalAnchor anchor) {
        return check_definition(zones_, every_ten_minutes(anchor))->in_words();
    };

    EXPECT_EQ(words(IntervalAnchor::epoch), "every 10 minutes");
    EXPECT_EQ(
        words(IntervalAnchor::after_completion), "every 10 minutes after the job before has ended"
    );
    EXPECT_EQ(words(IntervalAnchor::registration), "every 10 minutes from its registration on");
}

}  // namespace
}  // namespace tranter::schedule
