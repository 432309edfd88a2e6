#include "schedule/explanation.hpp"

#include "schedule/test_jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimePoint told_at{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};

/// A schedule that fires every ten minutes, made at `told_at`.
class ExplanationTest : public testing::Test {
  public:
    ExplanationTest() = default;
    ~ExplanationTest() override = default;
    ExplanationTest(const ExplanationTest&) = delete;
    ExplanationTest& operator=(const ExplanationTest&) = delete;

  protected:
    Registry registry() { return {.store = *store_, .zones = zones_}; }

    void make(const ScheduleRules& rules = {}, std::string expression = "*/10 * * * *") {
        const ScheduleDefinition definition{
            .name = "s",
            .expression = std::move(expression),
            .timezone = "Europe/Berlin",
            .type = "t",
            .rules = rules};
        const auto made = add(registry(), definition, ScheduleSource::code, told_at, true);
        ASSERT_TRUE(made) << made.error().message();
    }
    void lead() { ASSERT_TRUE(store_->take_lease(schedules_role, "a", told_at, told_at + 10h)); }
    void act_at(std::chrono::microseconds after) {
        now_ = told_at + after;
        ASSERT_TRUE(promoter_.promote());
    }
    ScheduleExplanation told(std::chrono::microseconds after = {}) {
        return explain(registry(), "s", 3, told_at + after, &jobs_).value();
    }

    TimePoint now_ = told_at;
    ZoneDirectory zones_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};
    Promoter promoter_{*store_, jobs_, zones_, [this] { return now_; }, Promoter::Options{}};
};

TEST_F(ExplanationTest, SaysWhenItFiresAndNothingWhenNothingIsInTheWay) {
    make();
    lead();

    const ScheduleExplanation said = told();

    EXPECT_EQ(said.words, "every 10 minutes, Berlin time");
    EXPECT_EQ(said.timezone, "Europe/Berlin");
    ASSERT_EQ(said.next.size(), 3U);
    EXPECT_EQ(said.next[0].slot, told_at + 10min);
    EXPECT_EQ(said.next[0].local, "2026-03-02T01:10:00+01:00");
    EXPECT_THAT(said.obstacles, IsEmpty());
}

TEST_F(ExplanationTest, NobodyWorks) {
    make();

    EXPECT_THAT(told().obstacles, ElementsAre("no scheduler works on the store"));
    lead();
    EXPECT_THAT(told(11h).obstacles, testing::Contains("no scheduler works on the store"));
}

TEST_F(ExplanationTest, ItIsPaused) {
    make();
    lead();
    ASSERT_TRUE(pause(registry(), "s", "moving house"));

    const ScheduleExplanation said = told(1h);

    EXPECT_THAT(said.obstacles, ElementsAre("it is paused: moving house"));
    EXPECT_EQ(said.next.size(), 3U);
}

TEST_F(ExplanationTest, ItHasEndedAndSaysWhy) {
    make({.max_runs = 1});
    lead();
    act_at(10min);

    EXPECT_THAT(told(20min).obstacles, ElementsAre("it has ended: it has run 1 of 1 times"));
    EXPECT_THAT(told(20min).next, IsEmpty());
}

TEST_F(ExplanationTest, ItNeverFires) {
    make({}, "0 0 30 2 *");
    lead();

    EXPECT_THAT(
        told().obstacles, ElementsAre("it has ended: its expression does not fire any more")
    );
}

TEST_F(ExplanationTest, SlotsHavePassedAndWhatMisfireWouldDo) {
    make();
    lead();

    EXPECT_THAT(
        told(35min).obstacles,
        ElementsAre("it is due since 2026-03-02T00:10:00Z: if it were looked at now, 1 slot would "
                    "run and 2 be missed (misfire run_once, window 1h)")
    );
}

TEST_F(ExplanationTest, ItsLastJobStillRuns) {
    make({.overlap = Overlap::buffer_all});
    lead();
    act_at(10min);
    act_at(20min);

    const ScheduleExplanation said = told(21min);

    EXPECT_EQ(said.open_runs, 1U);
    EXPECT_EQ(said.last_job_state, JobState::pending);
    ASSERT_EQ(said.obstacles.size(), 2U);
    EXPECT_EQ(said.obstacles[0], "one slot waits until an earlier job is finished");
    EXPECT_THAT(said.obstacles[1], HasSubstr("is pending: slots that come meanwhile wait"));
}

TEST_F(ExplanationTest, ItsJobsCannotBeEnqueued) {
    make();
    lead();
    jobs_.before = [](std::string_view, std::span<const NewJob>) -> Result<> {
        return fail(Errc::unavailable, "no answer");
    };
    act_at(10min);

    EXPECT_THAT(
        told(10min).obstacles,
        ElementsAre(
            "the last try went wrong: no answer",
            "the job of 2026-03-02T00:10:00Z could not be enqueued and is tried again at "
            "2026-03-02T00:10:01Z: no answer"
        )
    );
}

TEST_F(ExplanationTest, ItsStoreOfJobsKnowsNone) {
    make({.overlap = Overlap::skip});
    lead();
    act_at(10min);
    jobs_.find_error = Error(Errc::unsupported, "cannot find jobs");

    EXPECT_THAT(
        told(11min).obstacles,
        ElementsAre("whether its last job is finished cannot be told: cannot find jobs")
    );
}

TEST_F(ExplanationTest, TheFirstSlotAfterACompletionIsTheEarliest) {
    make({.anchor = IntervalAnchor::after_completion}, "every 10 minutes");
    lead();
    act_at(10min);

    const ScheduleExplanation said = told(11min);

    ASSERT_EQ(said.next.size(), 1U);
    EXPECT_EQ(said.next[0].slot, told_at + 20min);
    EXPECT_THAT(
        said.obstacles, ElementsAre(HasSubstr("the next slot comes a period after its end"))
    );
}

TEST_F(ExplanationTest, AScheduleThatIsNotThere) {
    EXPECT_EQ(explain(registry(), "s", 3, told_at).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace tranter::schedule
