#include "schedule/promoter.hpp"

#include "schedule/registration.hpp"
#include "schedule/test_jobs.hpp"
#include "schedule/test_time.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint promoter_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};

/// A schedule that fires every minute from a minute after the epoch on, and one scheduler.
class PromoterTest : public testing::Test {
  public:
    PromoterTest() = default;
    ~PromoterTest() override = default;
    PromoterTest(const PromoterTest&) = delete;
    PromoterTest& operator=(const PromoterTest&) = delete;

  protected:
    Registry registry() { return {.store = *store_, .zones = zones_}; }
    ScheduleStore& store() { return *store_; }
    test::RecordedJobs& jobs() { return jobs_; }
    Promoter& promoter() { return promoter_; }

    void add_minutely(const std::string& name, const ScheduleRules& rules = {}) {
        const ScheduleDefinition definition{
            .name = name,
            .expression = "* * * * *",
            .type = "t",
            .payload = R"({"n":1})",
            .options = {.priority = 3, .group = "acme"},
            .rules = rules};
        ASSERT_TRUE(add(registry(), definition, ScheduleSource::code, promoter_epoch));
    }

    /// What happens at that moment after the epoch.
    void act_at(std::chrono::microseconds after) {
        now_ = promoter_epoch + after;
        ASSERT_TRUE(promoter_.promote());
        ASSERT_TRUE(promoter_.release_buffered());
    }

    void finish_all() {
        for (auto& [id, job] : jobs_.jobs)
            job.state = JobState::completed;
    }

    std::vector<RunState> states_of(const std::string& name) {
        std::vector<RunState> out;
        const auto runs = store_->runs_of(name, 100, false).value();
        for (const SlotRun& run : runs)
            out.insert(out.begin(), run.state);
        return out;
    }

    TimePoint now_ = promoter_epoch;

  private:
    ZoneDirectory zones_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};
    Promoter promoter_{*store_, jobs_, zones_, [this] { return now_; }, Promoter::Options{}};
};

using States = std::vector<RunState>;
constexpr RunState is_enqueued = RunState::enqueued;
constexpr RunState is_buffered = RunState::buffered;
constexpr RunState is_skipped = RunState::skipped;

TEST_F(PromoterTest, ADueSlotBecomesAJobThatNamesIt) {
    add_minutely("daily");
    act_at(59s);
    EXPECT_TRUE(jobs().jobs.empty());

    act_at(1min);
    act_at(1min);

    ASSERT_EQ(jobs().order.size(), 1U);
    const auto& job = jobs().jobs.at(jobs().order[0]);
    EXPECT_EQ(job.job.id, job_id_of({"daily", promoter_epoch + 1min, false}));
    EXPECT_EQ(job.queue, "default");
    EXPECT_EQ(job.job.payload, R"({"n":1})");
    EXPECT_EQ(job.job.options.priority, 3);
    EXPECT_EQ(job.job.options.group, "acme");
    const std::vector<std::string> tags{"schedule=daily", "scheduled_for=2026-03-02T00:01:00Z"};
    EXPECT_EQ(job.job.options.tags, tags);
    EXPECT_EQ(states_of("daily"), States{is_enqueued});
    EXPECT_EQ(promoter().tally().figures().enqueued, 1U);
}

TEST_F(PromoterTest, ASlotIsNotFiredAgainWhenTheClockGoesBack) {
    add_minutely("daily");
    act_at(1min);
    act_at(2min);
    ASSERT_EQ(jobs().order.size(), 2U);

    act_at(30s);
    ASSERT_TRUE(promoter().refresh());
    act_at(1min);
    act_at(2min);

    EXPECT_EQ(jobs().order.size(), 2U);
    EXPECT_EQ(jobs().duplicates, 0U);
    act_at(3min);
    EXPECT_EQ(jobs().order.size(), 3U);
}

TEST_F(PromoterTest, AnErrorIsKeptRetriedAndStopsNoLaterSlot) {
    add_minutely("daily");
    jobs().before = [](std::string_view, std::span<const NewJob>) -> Result<> {
        return fail(Errc::unavailable, "no answer");
    };
    act_at(1min);
    EXPECT_EQ(store().find("daily")->last_error, "no answer");
    act_at(2min);
    EXPECT_TRUE(jobs().jobs.empty());

    jobs().before = {};
    act_at(2min + 10s);

    EXPECT_EQ(jobs().order.size(), 2U);
    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_enqueued}));
    EXPECT_EQ(store().find("daily")->last_error, "");
}

TEST_F(PromoterTest, AJobForLaterThatCouldNotBeEnqueuedIsTriedAgain) {
    const std::string id = job_id_of({"later", now_, false});
    const std::array wanted = {
        ScheduledJob{.id = id, .queue = "q", .type = "t", .payload = "1", .due = now_}};
    ASSERT_TRUE(store().add_jobs(wanted));
    jobs().before = [](std::string_view, std::span<const NewJob>) -> Result<> {
        return fail(Errc::unavailable, "no answer");
    };
    ASSERT_TRUE(promoter().move_timers());
    EXPECT_EQ(store().find_job(id)->state, ScheduledState::waiting);
    EXPECT_EQ(store().find_job(id)->error, "no answer");

    jobs().before = {};
    now_ += 10s;
    ASSERT_TRUE(promoter().move_timers());

    EXPECT_EQ(store().find_job(id)->state, ScheduledState::enqueued);
    EXPECT_TRUE(jobs().jobs.contains(id));
}

TEST_F(PromoterTest, OneJobThatIsRefusedCostsItselfAlone) {
    add_minutely("bad");
    add_minutely("good");
    const std::string refused = job_id_of({"bad", promoter_epoch + 1min, false});
    jobs().before = [&](std::string_view, std::span<const NewJob> batch) -> Result<> {
        for (const NewJob& job : batch) {
            if (job.id == refused) return fail(Errc::invalid_argument, "not this one");
        }
        return {};
    };

    act_at(1min);

    EXPECT_EQ(states_of("bad"), States{RunState::failed});
    EXPECT_EQ(states_of("good"), States{is_enqueued});
    EXPECT_EQ(store().find("bad")->last_error, "not this one");
    act_at(2min);
    EXPECT_EQ(states_of("bad"), (States{RunState::failed, is_enqueued}));
}

TEST_F(PromoterTest, SkipLeavesOutSlotsWhileTheJobIsNotFinished) {
    add_minutely("daily", {.overlap = Overlap::skip});
    act_at(1min);
    act_at(2min);
    finish_all();
    act_at(3min);

    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_skipped, is_enqueued}));
    EXPECT_EQ(store().find("daily")->skipped, 1U);
}

TEST_F(PromoterTest, OneSlotWaitsUntilTheJobIsFinished) {
    add_minutely("daily", {.overlap = Overlap::buffer_one});
    act_at(1min);
    act_at(2min);
    act_at(3min);
    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_buffered, is_skipped}));
    EXPECT_TRUE(store().next_work()->buffered);

    finish_all();
    act_at(3min + 1s);

    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_enqueued, is_skipped}));
    EXPECT_FALSE(store().next_work()->buffered);
}

TEST_F(PromoterTest, AllSlotsWaitAndRunOneAfterTheOther) {
    add_minutely("daily", {.overlap = Overlap::buffer_all});
    for (int minute = 1; minute <= 4; ++minute)
        act_at(std::chrono::minutes(minute));
    EXPECT_EQ(jobs().order.size(), 1U);

    for (int done = 2; done <= 4; ++done) {
        finish_all();
        act_at(4min + std::chrono::seconds(done));
        ASSERT_EQ(jobs().order.size(), static_cast<std::size_t>(done));
        const TimePoint slot = promoter_epoch + std::chrono::minutes(done);
        EXPECT_EQ(jobs().order.back(), job_id_of({"daily", slot, false}));
    }
}

TEST_F(PromoterTest, TheOtherJobIsCancelledAndTheNewestSlotRunsAfterIt) {
    add_minutely("daily", {.overlap = Overlap::cancel_other});
    act_at(1min);
    act_at(2min);
    act_at(3min);
    const std::string first = job_id_of({"daily", promoter_epoch + 1min, false});
    EXPECT_EQ(jobs().cancelled, (std::vector<std::string>{first, first}));
    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_skipped, is_buffered}));

    finish_all();
    act_at(3min + 1s);

    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_skipped, is_enqueued}));
}

TEST_F(PromoterTest, AStoreThatCannotLookUpHoldsTheScheduleAndSaysWhy) {
    add_minutely("daily", {.overlap = Overlap::skip});
    act_at(1min);
    jobs().find_error = Error(Errc::unsupported, "this provider finds nothing");

    act_at(2min);

    EXPECT_EQ(store().find("daily")->last_error, "this provider finds nothing");
    EXPECT_GT(*store().find("daily")->next_due, promoter_epoch + 3min);
    EXPECT_EQ(jobs().order.size(), 1U);
}

TEST_F(PromoterTest, SkippedSlotsDoNotCountAsRuns) {
    add_minutely("daily", {.overlap = Overlap::skip, .max_runs = 2});
    act_at(1min);
    act_at(2min);
    finish_all();
    act_at(3min);
    act_at(4min);

    EXPECT_EQ(states_of("daily"), (States{is_enqueued, is_skipped, is_enqueued}));
    EXPECT_FALSE(store().find("daily")->next_slot);
}

TEST_F(PromoterTest, APausedScheduleLeavesSlotsOutAndGoesOnWithTheNext) {
    add_minutely("daily");
    ASSERT_TRUE(pause(registry(), "daily", "holidays"));
    act_at(5min);
    EXPECT_TRUE(jobs().jobs.empty());

    ASSERT_TRUE(resume(registry(), "daily", promoter_epoch + 5min + 1s));
    act_at(6min);

    EXPECT_EQ(jobs().slots().at("daily"), std::vector<std::string>{"2026-03-02T00:06:00Z"});
    EXPECT_EQ(store().find("daily")->missed, 0U);
}

TEST_F(PromoterTest, ARunByHandIsBesideTheSlots) {
    add_minutely("daily");
    const auto run = run_now(registry(), "daily", promoter_epoch + 1min);
    const auto twin = run_now(registry(), "daily", promoter_epoch + 1min);
    ASSERT_TRUE(run);
    ASSERT_TRUE(twin);
    EXPECT_NE(*run, *twin);

    act_at(1min);

    EXPECT_EQ(jobs().order.size(), 3U);
    EXPECT_TRUE(jobs().jobs.contains(job_id_of(*run)));
    EXPECT_EQ(run_now(registry(), "none", promoter_epoch).error().code(), Errc::not_found);
}

TEST_F(PromoterTest, TheNextSlotCanBeLeftOut) {
    add_minutely("daily");

    EXPECT_EQ(skip_next(registry(), "daily", promoter_epoch).value(), promoter_epoch + 1min);
    ASSERT_TRUE(promoter().refresh());
    act_at(1min);
    act_at(2min);

    EXPECT_EQ(states_of("daily"), (States{is_skipped, is_enqueued}));
}

TEST_F(PromoterTest, ABackfillRunsWhatHasNotRun) {
    add_minutely("daily");
    act_at(1min);
    ASSERT_TRUE(skip_next(registry(), "daily", promoter_epoch + 1min));
    act_at(10min);
    const std::size_t before = jobs().order.size();

    const TimePoint from = promoter_epoch + 1min;
    const TimePoint to = promoter_epoch + 5min;
    const auto dry = backfill(registry(), "daily", {.period = {from, to}, .dry_run = true}, now_);
    act_at(10min);
    EXPECT_EQ(jobs().order.size(), before);
    const auto done = backfill(registry(), "daily", {.period = {from, to}}, now_);
    act_at(10min);

    EXPECT_EQ(dry->slots.size(), 5U);
    EXPECT_EQ(done->claimed, 4U);
    EXPECT_EQ(jobs().order.size(), before + 4);
    EXPECT_EQ(
        backfill(registry(), "daily", {.period = {from, now_ + 1min}}, now_).error().code(),
        Errc::invalid_argument
    );
}

TEST_F(PromoterTest, ABackfillOfJobsThatMayNotOverlapHasToBeAllowed) {
    for (const Overlap rule : {Overlap::skip, Overlap::buffer_all, Overlap::cancel_other}) {
        const std::string name(1, static_cast<char>('a' + static_cast<int>(rule)));
        add_minutely(name, {.overlap = rule});
        const Period past{promoter_epoch - 5min, promoter_epoch - 1min};

        const auto shown = backfill(registry(), name, {.period = past, .dry_run = true}, now_);
        const auto refused = backfill(registry(), name, {.period = past}, now_);
        EXPECT_TRUE(states_of(name).empty());
        const auto allowed =
            backfill(registry(), name, {.period = past, .overlap = Overlap::allow}, now_);

        EXPECT_EQ(shown->slots.size(), 5U);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), Errc::conflict);
        EXPECT_EQ(allowed->claimed, 5U);
        EXPECT_EQ(states_of(name).size(), 5U);
    }
}

TEST_F(PromoterTest, CodeWinsOverWhatWasChangedByHandAndKeepsWhatRan) {
    add_minutely("daily");
    act_at(1min);
    const ScheduleDefinition wanted = store().find("daily")->definition;
    const auto by_hand = edit(registry(), "daily", now_, [](ScheduleDefinition& definition) {
        definition.expression = "0 * * * *";
        return Result<>();
    });
    ASSERT_TRUE(by_hand);
    EXPECT_EQ(by_hand->source, ScheduleSource::hand);
    EXPECT_EQ(by_hand->next_slot, promoter_epoch + 1h);

    const auto again = reconcile(registry(), wanted, ScheduleSource::code, now_);

    ASSERT_TRUE(again);
    EXPECT_EQ(again->what, Reconciled::changed);
    EXPECT_TRUE(again->overruled_hand);
    EXPECT_EQ(again->schedule.next_slot, promoter_epoch + 2min);
    EXPECT_EQ(again->schedule.runs, 1U);
    EXPECT_EQ(reconcile(registry(), wanted, ScheduleSource::code, now_)->what, Reconciled::same);
}

TEST_F(PromoterTest, AScheduleOfAFileThatHasEndedIsMadeAndOneThatCannotFireIsRefused) {
    const ScheduleDefinition year{.name = "a", .expression = "0 0 9 1 1 * 1999", .type = "t"};
    ScheduleDefinition ended{.name = "b", .expression = "every 1 hour", .type = "t"};
    ended.rules.end_at = promoter_epoch - 1h;
    const ScheduleDefinition never{.name = "c", .expression = "0 9 30 2 *", .type = "t"};

    for (const ScheduleDefinition& each : {year, ended}) {
        const auto made = reconcile(registry(), each, ScheduleSource::file, now_);
        ASSERT_TRUE(made) << made.error().message();
        EXPECT_EQ(made->what, Reconciled::made);
        EXPECT_FALSE(made->schedule.next_slot);
    }
    const auto refused = reconcile(registry(), never, ScheduleSource::file, now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
}

TEST_F(PromoterTest, WhatIsWrongWithAScheduleIsSaidWhenItIsMade) {
    const ScheduleDefinition right{.name = "a", .expression = "0 9 * * *", .type = "t"};
    const auto said = [&](auto change) {
        ScheduleDefinition definition = right;
        change(definition);
        const auto made = add(registry(), definition, ScheduleSource::hand, promoter_epoch);
        return made ? std::string("made") : made.error().message();
    };
    using Definition = ScheduleDefinition;
    EXPECT_NE(
        said([](Definition& d) { d.name = "a b"; }).find("name is \"a b\""), std::string::npos
    );
    EXPECT_NE(said([](Definition& d) { d.name.clear(); }).find("name is"), std::string::npos);
    EXPECT_NE(
        said([](Definition& d) { d.expression = "0 0 30 2 *"; }).find("never"), std::string::npos
    );
    EXPECT_NE(
        said([](Definition& d) { d.timezone = "Mars/Base"; }).find("Mars/Base"), std::string::npos
    );
    EXPECT_NE(said([](Definition& d) { d.payload = "{"; }).find("payload"), std::string::npos);
    EXPECT_NE(said([](Definition& d) { d.type = "__x"; }).find("reserved"), std::string::npos);
    EXPECT_NE(
        said([](Definition& d) { d.expression = "every 10 ms"; }).find("ms"), std::string::npos
    );
    EXPECT_NE(
        said([](Definition& d) { d.rules.misfire.window = 1s; }).find("window"), std::string::npos
    );
    EXPECT_NE(
        said([](Definition& d) { d.rules.end_at = promoter_epoch; }).find("end_at"),
        std::string::npos
    );
    EXPECT_NE(
        said([](Definition& d) { d.options.tags.assign(15, "x"); }).find("tags are 17"),
        std::string::npos
    );
    EXPECT_EQ(said([](Definition&) {}), "made");
    EXPECT_NE(said([](Definition&) {}).find("there already"), std::string::npos);
}

}  // namespace
}  // namespace tranter::schedule
