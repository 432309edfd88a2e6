#include "schedule/scheduler_report.hpp"

#include "schedule/firing_tally.hpp"
#include "schedule/pulse.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint report_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 5)};

class SchedulerReportTest : public testing::Test {
  public:
    ~SchedulerReportTest() override = default;

  protected:
    void add(const std::string& name, TimePoint due) {
        const Schedule schedule{
            .definition = {.name = name, .expression = "* * * * *", .type = "t"},
            .next_slot = due,
            .next_due = due};
        ASSERT_TRUE(store_->insert(schedule));
    }
    std::optional<DueWork> next(
        const SchedulerReport& report, std::chrono::seconds after, bool hangs
    ) {
        SchedulerMetrics metrics;
        report.fill(metrics, report_epoch + after, hangs);
        return metrics.next;
    }

    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
};

TEST_F(SchedulerReportTest, WhoGoesOnIsAsLateAsWhenHeLooked) {
    add("nightly", report_epoch + 10s);
    SchedulerReport report(true, true);
    EXPECT_TRUE(report.is_due(SchedulerReport::Clock::now()));
    ASSERT_TRUE(report.look(*store_, report_epoch + 12s));
    EXPECT_FALSE(report.is_due(SchedulerReport::Clock::now()));

    EXPECT_EQ(next(report, 1h, false)->name, "nightly");
    EXPECT_EQ(next(report, 1h, false)->late, 2s);
}

TEST_F(SchedulerReportTest, WhoHangsIsLateWithWhatWasNext) {
    add("nightly", report_epoch + 10s);
    SchedulerReport report(true, true);
    ASSERT_TRUE(report.look(*store_, report_epoch));

    EXPECT_EQ(next(report, 100s, false)->late, 0s);
    EXPECT_EQ(next(report, 100s, true)->late, 90s);
}

TEST_F(SchedulerReportTest, LooksOnlyAtWhatItIsThereFor) {
    add("nightly", report_epoch + 10s);
    const ScheduledJob job{
        .id = "j", .queue = "q", .type = "t", .payload = "null", .due = report_epoch + 5s};
    ASSERT_TRUE(store_->add_jobs(std::span(&job, 1)));
    SchedulerReport schedules(true, false);
    SchedulerReport timers(false, true);
    SchedulerReport both(true, true);
    for (SchedulerReport* report : {&schedules, &timers, &both})
        ASSERT_TRUE(report->look(*store_, report_epoch));

    EXPECT_EQ(next(schedules, 0s, false)->name, "nightly");
    EXPECT_EQ(next(timers, 0s, false)->name, "j");
    EXPECT_EQ(next(both, 0s, false)->name, "j");
}

TEST_F(SchedulerReportTest, SaysWhenSchedulesThatAreKnownRunNext) {
    add("a", report_epoch + 10s);
    add("b", report_epoch + 20s);
    FiringTally tally;
    tally.expect("b");
    SchedulerReport report(true, false);
    ASSERT_TRUE(report.look(*store_, report_epoch));

    SchedulerMetrics metrics;
    tally.read(metrics);
    report.fill(metrics, report_epoch, false);

    ASSERT_EQ(metrics.schedules.size(), 1U);
    EXPECT_EQ(metrics.schedules[0].next_due, report_epoch + 20s);
    EXPECT_EQ(metrics.enabled, 2U);
}

TEST(PulseTest, WhatRestsIsLateOnlyBeyondTheEndOfItsRest) {
    const Pulse::Clock::time_point start{1h};
    Pulse pulse;
    EXPECT_FALSE(pulse.runs());
    EXPECT_FALSE(pulse.is_late(start + 10h, 1min)) << "it does not run";

    pulse.beat(start);
    EXPECT_FALSE(pulse.is_late(start + 1min, 1min));
    EXPECT_TRUE(pulse.is_late(start + 61s, 1min));

    pulse.rests_until(start + 10min);
    EXPECT_FALSE(pulse.is_late(start + 11min, 1min));
    EXPECT_TRUE(pulse.is_late(start + 12min, 1min));

    pulse.stops();
    EXPECT_FALSE(pulse.is_late(start + 10h, 1min));
}

SlotRun tallied_run(const std::string& schedule) {
    return {.key = {.schedule = schedule, .slot = report_epoch}, .job_id = "j", .queue = "q"};
}

TEST(FiringTallyTest, SchedulesBeyondTheFirstAreOther) {
    FiringTally tally;
    for (std::size_t i = 0; i < FiringTally::schedules_max + 50; ++i)
        tally.enqueued(tallied_run("s" + std::to_string(i)), "j", report_epoch, report_epoch + 1s);
    tally.enqueued(tallied_run("s0"), "j", report_epoch, report_epoch + 1s);

    SchedulerMetrics metrics;
    tally.read(metrics);

    EXPECT_EQ(metrics.schedules.size(), FiringTally::schedules_max + 1);
    std::uint64_t all = 0;
    for (const ScheduleMetrics& one : metrics.schedules) {
        all += one.enqueued;
        const std::uint64_t wanted = one.schedule == "other" ? 50 : one.schedule == "s0" ? 2 : 1;
        EXPECT_EQ(one.enqueued, wanted) << one.schedule;
    }
    EXPECT_EQ(all, FiringTally::schedules_max + 51);
}

TEST(FiringTallyTest, WhatHadToWaitForAnotherJobIsNotLate) {
    FiringTally tally;
    tally.enqueued(tallied_run("a"), "j", std::nullopt, report_epoch + 1h);
    tally.enqueued(tallied_run("a"), "j", report_epoch, report_epoch + 20ms);

    SchedulerMetrics metrics;
    tally.read(metrics);

    EXPECT_EQ(metrics.schedules.at(0).enqueued, 2U);
    EXPECT_EQ(metrics.lateness.total(), 1U);
    EXPECT_DOUBLE_EQ(metrics.lateness.sum, 0.02);
    EXPECT_EQ(tally.figures().lateness, 20ms);
}

TEST(StoreMeterTest, AnErrorIsCountedAndRememberedUntilTheStoreAnswers) {
    StoreMeter meter;
    const auto call = [&](Result<> result) {
        return meter.measured([&] { return result; });
    };

    EXPECT_FALSE(call(fail(Errc::unavailable, "no connection to postgres://u:secret@h/d")));
    EXPECT_FALSE(meter.state().answers);
    EXPECT_FALSE(meter.state().latency);
    EXPECT_EQ(meter.state().last_error.find("secret"), std::string::npos);
    EXPECT_TRUE(meter.state().last_error_at);

    EXPECT_TRUE(call({}));
    EXPECT_TRUE(meter.state().answers);
    EXPECT_EQ(meter.state().errors, 1U);
    EXPECT_EQ(meter.state().calls.total(), 2U);
}

}  // namespace
}  // namespace tranter::schedule
