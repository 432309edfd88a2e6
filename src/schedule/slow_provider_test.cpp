#include "schedule/promoter.hpp"
#include "schedule/registration.hpp"
#include "schedule/test_jobs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

// A hand-over that takes longer than what is claimed is held.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint slow_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};

/// Two schedulers on one store. Each call of the provider takes its time, and whatever the other
/// one finds to do meanwhile it does.
class SlowProviderTest : public testing::Test {
  public:
    SlowProviderTest() {
        jobs_.can.atomic_batch = false;
        jobs_.now = [this] {
            return now_;
        };
        jobs_.after = [this] {
            now_ += call_takes_;
            if (other_works_) return;
            other_works_ = true;
            EXPECT_TRUE(work_(other_));
            other_works_ = false;
        };
    }
    ~SlowProviderTest() override = default;
    SlowProviderTest(const SlowProviderTest&) = delete;
    SlowProviderTest& operator=(const SlowProviderTest&) = delete;

  protected:
    using Work = std::function<bool(Promoter&)>;

    std::unique_ptr<Promoter> make_promoter() {
        return std::make_unique<Promoter>(
            *store_, jobs_, zones_, [this] { return now_; }, Promoter::Options{}
        );
    }
    void add_minutely(int count, const ScheduleRules& rules = {}) {
        for (int i = 0; i < count; ++i) {
            const ScheduleDefinition definition{
                .name = fmt::format("s{}", i),
                .expression = "* * * * *",
                .type = "t",
                .rules = rules};
            ASSERT_TRUE(add(
                {.store = *store_, .zones = zones_}, definition, ScheduleSource::code, slow_epoch
            ));
        }
    }
    /// Until nothing is left.
    void work_off(const Work& work, std::size_t jobs) {
        work_ = work;
        for (int turns = 0; jobs_.jobs.size() < jobs && turns < 1000; ++turns)
            ASSERT_TRUE(work(*first_));
    }

    TimePoint now_ = slow_epoch;
    std::chrono::seconds call_takes_ = 4s;
    ZoneDirectory zones_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};

  private:
    std::unique_ptr<Promoter> first_ = make_promoter();
    std::unique_ptr<Promoter> second_ = make_promoter();
    Promoter& other_ = *second_;
    Work work_{};
    bool other_works_ = false;
};

TEST_F(SlowProviderTest, NoSlotIsHandedOverByTwo) {
    add_minutely(40);
    now_ = slow_epoch + 1min;

    work_off([](Promoter& one) { return one.promote().has_value(); }, 40);

    EXPECT_GE(jobs_.jobs.size(), 40U);
    EXPECT_EQ(jobs_.duplicates, 0U);
    const auto runs = store_->runs_of("s39", 10, false);
    ASSERT_TRUE(runs);
    for (const SlotRun& run : *runs)
        EXPECT_EQ(run.tries, 0U);
}

TEST_F(SlowProviderTest, NoJobForLaterIsHandedOverByTwo) {
    std::vector<ScheduledJob> later;
    for (int i = 0; i < 40; ++i) {
        later.push_back(
            {.id = job_id_of({"later", TimePoint(TimePoint::duration(i)), false}),
             .queue = "q",
             .type = "t",
             .payload = "1",
             .due = slow_epoch}
        );
    }
    ASSERT_TRUE(store_->add_jobs(later));

    work_off([](Promoter& one) { return one.move_timers().has_value(); }, 40);

    EXPECT_EQ(jobs_.jobs.size(), 40U);
    EXPECT_EQ(jobs_.duplicates, 0U);
    for (const ScheduledJob& job : later) {
        EXPECT_EQ(store_->find_job(job.id)->state, ScheduledState::enqueued);
        EXPECT_EQ(store_->find_job(job.id)->tries, 0U);
    }
}

TEST_F(SlowProviderTest, NoSlotThatWaitedIsHandedOverByTwo) {
    add_minutely(20, {.overlap = Overlap::buffer_one});
    call_takes_ = 0s;
    now_ = slow_epoch + 1min;
    work_off([](Promoter& one) { return one.promote().has_value(); }, 20);
    now_ = slow_epoch + 2min;
    work_off([](Promoter& one) { return one.promote().has_value(); }, 20);
    ASSERT_TRUE(make_promoter()->promote());
    ASSERT_EQ(store_->buffered("", 100)->size(), 20U);
    for (auto& [id, job] : jobs_.jobs)
        job.state = JobState::completed;
    call_takes_ = 4s;

    work_off([](Promoter& one) { return one.promote() && one.release_buffered(); }, 40);

    EXPECT_EQ(jobs_.duplicates, 0U);
    EXPECT_GE(jobs_.jobs.size(), 40U);
}

/// As many as are looked at in a turn, whose jobs run on and on, and one more behind them.
TEST_F(SlowProviderTest, SlotsThatWaitForLongKeepNoOtherFromBeingSeen) {
    constexpr int waiting = 601;
    add_minutely(waiting, {.overlap = Overlap::buffer_one});
    jobs_.after = {};
    jobs_.can.atomic_batch = true;
    for (const auto minute : {1min, 2min}) {
        now_ = slow_epoch + minute;
        while (make_promoter()->promote().value()) {
        }
    }
    ASSERT_EQ(store_->buffered("", 1000)->size(), 601U);
    const std::string last = store_->buffered("", 1000)->back().key.schedule;
    jobs_.jobs.at(store_->find(last)->last_job).state = JobState::completed;
    const std::size_t before = jobs_.jobs.size();
    const auto scheduler = make_promoter();

    for (int turns = 0; turns < 3; ++turns)
        ASSERT_TRUE(scheduler->release_buffered());

    EXPECT_EQ(jobs_.jobs.size(), before + 1);
}

}  // namespace
}  // namespace tranter::schedule
