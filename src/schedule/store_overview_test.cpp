#include "postgres/test_server.hpp"
#include "schedule/store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint overview_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 4)};

class StoreOverviewTest : public testing::TestWithParam<bool> {
  public:
    ~StoreOverviewTest() override = default;

  protected:
    ScheduleStore& store() { return *store_; }

    void add(const std::string& name, std::optional<TimePoint> due, bool paused = false) {
        const Schedule schedule{
            .definition = {.name = name, .expression = "* * * * *", .type = "t"},
            .paused = paused,
            .created_at = overview_epoch,
            .updated_at = overview_epoch,
            .next_slot = due,
            .next_due = due};
        ASSERT_TRUE(store().insert(schedule));
    }
    void add_job(const std::string& id, TimePoint due) {
        const ScheduledJob job{
            .id = id,
            .queue = "q",
            .type = "t",
            .payload = "null",
            .due = due,
            .created_at = overview_epoch};
        ASSERT_TRUE(store().add_jobs(std::span(&job, 1)));
    }

  private:
    std::shared_ptr<ScheduleStore> store_ =
        open_store(GetParam() ? postgres::test::server().new_database() : "memory:").value();
};

using DueInStore = StoreOverview::Due;

TEST_P(StoreOverviewTest, AnEmptyStoreHasNothing) {
    EXPECT_EQ(store().overview(overview_epoch, 10), StoreOverview());
}

TEST_P(StoreOverviewTest, CountsWhatIsThereAndNamesWhatComesFirst) {
    add("later", overview_epoch + 2h);
    add("sooner", overview_epoch + 1min);
    add("soon", overview_epoch + 2min);
    add("resting", overview_epoch, true);
    add("over", std::nullopt);
    add_job("b", overview_epoch + 3min);
    add_job("a", overview_epoch + 1h);

    const auto found = store().overview(overview_epoch + 2min, 2);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->enabled, 3U);
    EXPECT_EQ(found->paused, 1U);
    EXPECT_EQ(found->due, 2U);
    EXPECT_EQ(found->jobs_waiting, 2U);
    EXPECT_EQ(found->jobs_due, 0U);
    EXPECT_EQ(found->next_job, (DueInStore{"b", overview_epoch + 3min}));
    const std::vector<DueInStore> soonest{
        {"sooner", overview_epoch + 1min}, {"soon", overview_epoch + 2min}};
    EXPECT_EQ(found->soonest, soonest);
    EXPECT_FALSE(found->oldest_run);
    EXPECT_EQ(store().overview(overview_epoch + 3min, 2)->jobs_due, 1U);
}

TEST_P(StoreOverviewTest, ASlotThatIsNoJobYetIsAsOldAsItsClaim) {
    add("one", overview_epoch);
    add("two", overview_epoch);
    const auto claim = [&](const std::string& name, RunState state, TimePoint now) {
        const Firing firing{
            .schedule = name,
            .runs = {{.slot = overview_epoch, .state = state}},
            .next = NextSlot{overview_epoch + 1h, overview_epoch + 1h}};
        ASSERT_TRUE(store().fire(std::span(&firing, 1), now, now + 30s));
    };
    claim("one", RunState::buffered, overview_epoch + 1s);
    claim("two", RunState::claimed, overview_epoch + 2s);

    const auto found = store().overview(overview_epoch + 10s, 10);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->claimed, 1U);
    EXPECT_EQ(found->buffered, 1U);
    EXPECT_EQ(found->due, 0U);
    EXPECT_EQ(found->oldest_run, (DueInStore{"two", overview_epoch + 2s}));
}

TEST_P(StoreOverviewTest, CallsAreMeasuredAndAnAnswerThatIsNoIsNoError) {
    const std::uint64_t before = store().meter().state().calls.total();

    EXPECT_EQ(store().find("nobody").error().code(), Errc::not_found);

    const StoreMeter::State state = store().meter().state();
    EXPECT_EQ(state.calls.total(), before + 1);
    EXPECT_EQ(state.errors, 0U);
    EXPECT_TRUE(state.answers);
    EXPECT_TRUE(state.latency);
}

INSTANTIATE_TEST_SUITE_P(
    Stores,
    StoreOverviewTest,
    testing::Bool(),
    [](const testing::TestParamInfo<bool>& store) {
        return std::string(store.param ? "postgres" : "sqlite");
    }
);

}  // namespace
}  // namespace tranter::schedule
