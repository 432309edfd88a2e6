#include "schedule/promoter.hpp"
#include "schedule/registration.hpp"
#include "schedule/test_jobs.hpp"
#include "schedule/test_time.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

// What becomes of schedules when the data about their zone change: a city moves to other clocks.
namespace tranter::schedule {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr TimePoint change_epoch{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};

class ZoneChangeTest : public testing::Test {
  public:
    ZoneChangeTest() {
        std::string path = (fs::temp_directory_path() / "zones-XXXXXX").string();
        if (::mkdtemp(path.data()) != nullptr) directory_ = path;
        move_city_to("Europe/Berlin", "2026a");
    }
    ~ZoneChangeTest() override { fs::remove_all(directory_); }
    ZoneChangeTest(const ZoneChangeTest&) = delete;
    ZoneChangeTest& operator=(const ZoneChangeTest&) = delete;

  protected:
    /// As a package does it: new files in the place of old ones.
    void move_city_to(const std::string& clocks, const std::string& version) {
        fs::create_directories(directory_ / "Test");
        const fs::path fresh = directory_ / "Test/City.new";
        fs::copy_file("/usr/share/zoneinfo/" + clocks, fresh);
        fs::rename(fresh, directory_ / "Test/City");
        std::ofstream(directory_ / "new.zi") << "# version " << version << "\n";
        fs::rename(directory_ / "new.zi", directory_ / "tzdata.zi");
    }
    fs::path directory() const { return directory_; }

    void add_daily(ZoneDirectory& zones, const std::string& name, const std::string& zone) {
        const ScheduleDefinition definition{
            .name = name, .expression = "0 9 * * *", .timezone = zone, .type = "t"};
        const Registry registry{.store = *store_, .zones = zones};
        ASSERT_TRUE(add(registry, definition, ScheduleSource::code, change_epoch));
    }
    std::string next_of(const std::string& name) {
        const Schedule schedule = store_->find(name).value();
        EXPECT_EQ(schedule.next_slot, schedule.next_due);
        return test::utc_text(
            std::chrono::floor<std::chrono::seconds>(schedule.next_slot.value_or(TimePoint()))
        );
    }
    ScheduleStore& store() { return *store_; }
    test::RecordedJobs& jobs() { return jobs_; }

  private:
    fs::path directory_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};
};

TEST_F(ZoneChangeTest, ADirectoryIsReadAgainOnceItsFilesAreReplaced) {
    ZoneDirectory zones(directory());
    const auto before = zones.find("Test/City").value()->period_at({}).offset;
    EXPECT_EQ(zones.version(), "2026a");
    EXPECT_FALSE(zones.reload_if_changed());

    move_city_to("America/New_York", "2026b");

    EXPECT_EQ(zones.find("Test/City").value()->period_at({}).offset, before);
    EXPECT_TRUE(zones.reload_if_changed());
    EXPECT_EQ(zones.version(), "2026b");
    EXPECT_NE(zones.find("Test/City").value()->period_at({}).offset, before);
    EXPECT_FALSE(zones.reload_if_changed());
}

TEST_F(ZoneChangeTest, TheVersionMayStandInAFileOfItsOwn) {
    fs::remove(directory() / "tzdata.zi");
    std::ofstream(directory() / "+VERSION") << "2025b\n";

    EXPECT_EQ(ZoneDirectory(directory()).version(), "2025b");
}

TEST_F(ZoneChangeTest, AnotherProgramWithOtherDataComputesWhatIsStoredAnew) {
    {
        ZoneDirectory old(directory());
        add_daily(old, "moved", "Test/City");
        add_daily(old, "stays", "UTC");
    }
    EXPECT_EQ(next_of("moved"), "2026-06-01T07:00:00Z");
    move_city_to("America/New_York", "2026b");

    ZoneDirectory zones(directory());
    Promoter promoter(
        store(), jobs(), zones, [] { return change_epoch; }, Promoter::Options{}
    );
    ASSERT_TRUE(promoter.refresh());

    EXPECT_EQ(next_of("moved"), "2026-06-01T13:00:00Z");
    EXPECT_EQ(next_of("stays"), "2026-06-01T09:00:00Z");
    SchedulerMetrics metrics;
    promoter.tally().read(metrics);
    EXPECT_EQ(metrics.recomputed, 1U);
}

TEST_F(ZoneChangeTest, TheSameSchedulerFiresAtTheNewTimeAndNotAtTheOld) {
    ZoneDirectory zones(directory());
    add_daily(zones, "moved", "Test/City");
    TimePoint now = change_epoch;
    Promoter promoter(
        store(), jobs(), zones, [&] { return now; }, Promoter::Options{}
    );
    ASSERT_TRUE(promoter.refresh());
    ASSERT_TRUE(promoter.promote());
    move_city_to("America/New_York", "2026b");
    ASSERT_TRUE(zones.reload_if_changed());
    ASSERT_TRUE(promoter.refresh());

    now = change_epoch + 12h;
    ASSERT_TRUE(promoter.promote());
    EXPECT_TRUE(jobs().jobs.empty());
    now = change_epoch + 13h;
    ASSERT_TRUE(promoter.promote());

    EXPECT_EQ(jobs().slots()["moved"], std::vector<std::string>{"2026-06-01T13:00:00Z"});
}

TEST_F(ZoneChangeTest, ASlotThatCameToBeBeforeTheStoredOneIsNotLost) {
    ZoneDirectory zones(directory());
    add_daily(zones, "moved", "Test/City");
    // As if the slot of today were none by the old data, in a gap that is to be skipped.
    Schedule schedule = store().find("moved").value();
    schedule.next_slot = schedule.next_due = change_epoch + 24h + 7h;
    ASSERT_TRUE(store().update(schedule));

    Promoter promoter(
        store(), jobs(), zones, [] { return change_epoch; }, Promoter::Options{}
    );
    ASSERT_TRUE(promoter.refresh());

    EXPECT_EQ(next_of("moved"), "2026-06-01T07:00:00Z");
}

TEST_F(ZoneChangeTest, ASlotThatWasSkippedByHandStaysSo) {
    ZoneDirectory zones(directory());
    add_daily(zones, "moved", "Test/City");
    const Registry registry{.store = store(), .zones = zones};
    ASSERT_TRUE(skip_next(registry, "moved", change_epoch));
    EXPECT_EQ(next_of("moved"), "2026-06-02T07:00:00Z");

    Promoter promoter(
        store(), jobs(), zones, [] { return change_epoch; }, Promoter::Options{}
    );
    ASSERT_TRUE(promoter.refresh());

    EXPECT_EQ(next_of("moved"), "2026-06-02T07:00:00Z");
}

}  // namespace
}  // namespace tranter::schedule
