#include "schedule/store.hpp"

#include "postgres/test_server.hpp"
#include "sqlite/database.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

// What every store of schedules has to do. A new one is added to the list at the end.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint store_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};

/// One store, opened as often as a test likes.
class StoreUnderTest {
  public:
    StoreUnderTest() = default;
    StoreUnderTest(const StoreUnderTest&) = delete;
    StoreUnderTest& operator=(const StoreUnderTest&) = delete;
    virtual ~StoreUnderTest() = default;
    virtual std::shared_ptr<ScheduleStore> open() = 0;
    /// A newer program changes the tables. False: nobody else can have it open.
    virtual bool is_changed_by_newer() { return false; }
};

class MemoryStore final : public StoreUnderTest {
  public:
    std::shared_ptr<ScheduleStore> open() override { return store_; }

  private:
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
};

class FileStore final : public StoreUnderTest {
  public:
    FileStore() {
        std::string path = (std::filesystem::temp_directory_path() / "schedules-XXXXXX").string();
        if (::mkdtemp(path.data()) != nullptr) directory_ = path;
    }
    ~FileStore() override { std::filesystem::remove_all(directory_); }
    FileStore(const FileStore&) = delete;
    FileStore& operator=(const FileStore&) = delete;

    std::shared_ptr<ScheduleStore> open() override {
        return open_store("file:" + directory_.string()).value();
    }
    bool is_changed_by_newer() override {
        sqlite::Database database(directory_ / "schedules.db", sqlite::Database::Mode::write);
        database.execute("PRAGMA user_version = 1000");
        return true;
    }

  private:
    std::filesystem::path directory_{};
};

class DatabaseStore final : public StoreUnderTest {
  public:
    std::shared_ptr<ScheduleStore> open() override { return open_store(url_).value(); }
    bool is_changed_by_newer() override {
        postgres::Connection connection(postgres::parse_target(url_).value());
        connection.run("INSERT INTO tranter.schema_versions VALUES('schedule', 1000)");
        return true;
    }

  private:
    std::string url_ = postgres::test::server().new_database();
};

struct StoreKind {
    std::string name;
    std::function<std::unique_ptr<StoreUnderTest>()> make;
};

class ScheduleStoreTest : public testing::TestWithParam<StoreKind> {
  public:
    ScheduleStoreTest() : under_test_(GetParam().make()), store_(under_test_->open()) {}
    ScheduleStoreTest(const ScheduleStoreTest&) = delete;
    ScheduleStoreTest& operator=(const ScheduleStoreTest&) = delete;
    ~ScheduleStoreTest() override = default;

  protected:
    ScheduleStore& store() { return *store_; }
    std::shared_ptr<ScheduleStore> another() { return under_test_->open(); }
    bool is_changed_by_newer() { return under_test_->is_changed_by_newer(); }

    /// Due a minute after the epoch.
    Schedule add(const std::string& name, TimePoint next = store_epoch + 1min) {
        Schedule schedule{
            .definition =
                {.name = name,
                 .expression = "* * * * *",
                 .timezone = "Europe/Berlin",
                 .queue = "mail",
                 .type = "report:generate",
                 .payload = R"({"kind":"daily"})",
                 .options = {.priority = 2, .group = "acme", .tags = {"a=b"}},
                 .rules = {.overlap = Overlap::skip, .jitter = 5s, .end_at = store_epoch + 24h}},
            .source = ScheduleSource::code,
            .created_at = store_epoch,
            .updated_at = store_epoch,
            .next_slot = next,
            .next_due = next + 1s};
        EXPECT_TRUE(store().insert(schedule));
        schedule.version = 1;
        return schedule;
    }

    Fired fire(const Firing& firing, TimePoint now = store_epoch + 2min) {
        return store().fire(std::span(&firing, 1), now, now + 30s).value().front();
    }
    void settle(const RunOutcome& outcome, TimePoint now = store_epoch + 2min) {
        ASSERT_TRUE(store().settle_runs(std::span(&outcome, 1), now));
    }
    std::vector<SlotRun> runs_of(const std::string& name) {
        return store().runs_of(name, 100, false).value();
    }

    ScheduledJob add_job(const std::string& id, TimePoint due) {
        ScheduledJob job{
            .id = id,
            .queue = "mail",
            .type = "email.welcome",
            .payload = "{}",
            .options = {.group = "acme", .runs = 2},
            .due = due,
            .created_at = store_epoch};
        EXPECT_TRUE(store().add_jobs(std::span(&job, 1)));
        return job;
    }

  private:
    std::unique_ptr<StoreUnderTest> under_test_;
    std::shared_ptr<ScheduleStore> store_;
};

Firing firing_of(const Schedule& schedule) {
    const TimePoint slot = schedule.next_slot.value_or(TimePoint());
    return {
        .schedule = schedule.definition.name,
        .version = schedule.version,
        .runs = {{.slot = slot}},
        .next = NextSlot{.slot = slot + 1min, .due = slot + 1min}};
}

TEST_P(ScheduleStoreTest, AScheduleComesBackAsItWasWritten) {
    const Schedule schedule = add("daily");

    EXPECT_EQ(store().find("daily").value(), schedule);
    EXPECT_EQ(another()->find("daily").value(), schedule);
}

TEST_P(ScheduleStoreTest, ANameIsThereOnce) {
    const Schedule schedule = add("daily");

    EXPECT_EQ(store().insert(schedule).error().code(), Errc::already_exists);
    EXPECT_EQ(store().find("weekly").error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, OfManySchedulesThoseThatAreThereStayAsTheyAre) {
    const Schedule there = add("b");
    Schedule other = there;
    other.definition.expression = "0 0 * * *";
    Schedule first = there;
    first.definition.name = "a";
    Schedule again = first;
    again.definition.type = "another";
    const std::vector<Schedule> all{first, other, again};

    const auto made = store().insert_new(all);

    EXPECT_EQ(made.value(), (std::vector<bool>{true, false, false}));
    EXPECT_EQ(store().find("a").value(), first);
    EXPECT_EQ(store().find("b").value(), there);
    EXPECT_TRUE(store().insert_new({}).value().empty());
}

TEST_P(ScheduleStoreTest, ListsGoByNameInPages) {
    for (const char* name : {"c", "a", "b"})
        add(name);

    const auto first = store().list("", 2).value();
    const auto second = store().list("b", 2).value();

    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[1].definition.name, "b");
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].definition.name, "c");
}

TEST_P(ScheduleStoreTest, AnUpdateIsRefusedWhenSomebodyElseWasFaster) {
    Schedule schedule = add("daily");
    schedule.paused = true;
    schedule.pause_reason = "holidays";
    schedule.last_error = "no such zone";
    schedule.definition.payload = "7";
    schedule.next_slot.reset();
    schedule.next_due.reset();

    EXPECT_EQ(store().update(schedule).value(), 2U);

    EXPECT_EQ(store().update(schedule).error().code(), Errc::conflict);
    schedule.version = 2;
    EXPECT_EQ(store().find("daily").value(), schedule);
    schedule.definition.name = "weekly";
    EXPECT_EQ(store().update(schedule).error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, DueAreThoseWhoseTimeHasComeTheEarliestFirst) {
    add("late", store_epoch + 2min);
    add("early", store_epoch + 1min);
    Schedule paused = add("paused", store_epoch);
    paused.paused = true;
    ASSERT_TRUE(store().update(paused));

    EXPECT_TRUE(store().due(store_epoch + 1min, 10).value().empty());
    EXPECT_EQ(store().due(store_epoch + 1min + 1s, 10).value().size(), 1U);
    const auto both = store().due(store_epoch + 1h, 10).value();
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].definition.name, "early");
    EXPECT_EQ(store().due(store_epoch + 1h, 1).value().size(), 1U);
    EXPECT_EQ(store().next_work().value().recurring, store_epoch + 1min + 1s);
}

TEST_P(ScheduleStoreTest, AFiringRecordsTheSlotAndMovesOnAtOnce) {
    const Schedule schedule = add("daily");
    Firing firing = firing_of(schedule);
    firing.missed = 3;

    const Fired fired = fire(firing);

    ASSERT_TRUE(fired.done);
    ASSERT_EQ(fired.runs.size(), 1U);
    const SlotRun& run = fired.runs[0];
    EXPECT_EQ(run.job_id, job_id_of({"daily", *schedule.next_slot, false}));
    EXPECT_EQ(run.queue, "mail");
    EXPECT_EQ(run.payload, schedule.definition.payload);
    EXPECT_EQ(run.options, schedule.definition.options);
    SlotRun without_job = run;
    without_job.queue = without_job.type = without_job.payload = "";
    without_job.options = {};
    EXPECT_EQ(runs_of("daily"), std::vector{without_job});
    const Schedule after = store().find("daily").value();
    EXPECT_EQ(after.next_slot, *schedule.next_slot + 1min);
    EXPECT_EQ(after.runs, 1U);
    EXPECT_EQ(after.missed, 3U);
    EXPECT_EQ(after.version, 2U);
}

TEST_P(ScheduleStoreTest, TheSecondOfTwoWhoFireTheSameChangesNothing) {
    const Firing firing = firing_of(add("daily"));
    ASSERT_TRUE(fire(firing).done);

    const Fired second = fire(firing);

    EXPECT_FALSE(second.done);
    EXPECT_TRUE(second.runs.empty());
    EXPECT_EQ(runs_of("daily").size(), 1U);
    EXPECT_EQ(store().find("daily").value().version, 2U);
}

TEST_P(ScheduleStoreTest, ASlotThatHasARunIsPassedOver) {
    Firing firing = firing_of(add("daily"));
    ASSERT_TRUE(fire(firing).done);
    firing.version.reset();
    firing.runs.push_back({.slot = firing.runs[0].slot, .manual = true});

    const Fired again = fire(firing);

    EXPECT_TRUE(again.done);
    ASSERT_EQ(again.runs.size(), 1U);
    EXPECT_TRUE(again.runs[0].key.manual);
    EXPECT_NE(again.runs[0].job_id, runs_of("daily").back().job_id);
    EXPECT_EQ(store().find("daily").value().runs, 2U);
}

TEST_P(ScheduleStoreTest, OnlyWhatDidNotRunIsClaimedAgain) {
    Firing firing = firing_of(add("daily"));
    firing.runs = {
        {.slot = store_epoch + 1min, .state = RunState::skipped, .reason = "it runs"},
        {.slot = store_epoch + 2min}};
    ASSERT_TRUE(fire(firing).done);
    EXPECT_EQ(store().find("daily").value().skipped, 1U);
    firing.version.reset();
    firing.again = true;
    for (NewRun& run : firing.runs)
        run = {.slot = run.slot};

    const Fired again = fire(firing);

    ASSERT_EQ(again.runs.size(), 1U);
    EXPECT_EQ(again.runs[0].key.slot, store_epoch + 1min);
    EXPECT_EQ(again.runs[0].queue, "mail");
}

TEST_P(ScheduleStoreTest, AFiringOfAScheduleThatIsGoneIsNotDone) {
    const Firing firing = firing_of(add("daily"));
    ASSERT_TRUE(store().remove("daily"));

    EXPECT_FALSE(fire(firing).done);
    EXPECT_EQ(store().remove("daily").error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, AClaimBelongsToItsHolderAndThenToOneOther) {
    const SlotRun run = fire(firing_of(add("daily"))).runs.at(0);
    const TimePoint free = run.claimed_until.value();
    EXPECT_TRUE(store().take_runs(free - 1us, free + 30s, 10).value().empty());

    const auto taken = store().take_runs(free, free + 30s, 10).value();

    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].payload, run.payload);
    EXPECT_EQ(taken[0].options, run.options);
    EXPECT_TRUE(another()->take_runs(free, free + 30s, 10).value().empty());
    EXPECT_EQ(another()->take_runs(free + 30s, free + 60s, 10).value().size(), 1U);
}

TEST_P(ScheduleStoreTest, WhatIsEnqueuedIsNeverTakenAgain) {
    const SlotRun run = fire(firing_of(add("daily"))).runs.at(0);
    settle({.key = run.key, .job_id = "other-job"});

    EXPECT_TRUE(store().take_runs(store_epoch + 1h, store_epoch + 2h, 10).value().empty());
    const SlotRun after = runs_of("daily").at(0);
    EXPECT_EQ(after.state, RunState::enqueued);
    EXPECT_EQ(after.job_id, "other-job");
    EXPECT_EQ(after.enqueued_at, store_epoch + 2min);
    EXPECT_TRUE(after.payload.empty());
    const Schedule schedule = store().find("daily").value();
    EXPECT_EQ(schedule.last_job, "other-job");
    EXPECT_EQ(schedule.last_slot, run.key.slot);

    settle({.key = run.key, .state = RunState::failed, .error = "late news"});
    EXPECT_EQ(runs_of("daily").at(0).state, RunState::enqueued);
}

TEST_P(ScheduleStoreTest, AnErrorIsKeptAndTheRunTriedAgain) {
    const SlotRun run = fire(firing_of(add("daily"))).runs.at(0);
    settle(
        {.key = run.key,
         .state = RunState::claimed,
         .error = "queue is full",
         .retry_at = store_epoch + 3min}
    );

    EXPECT_EQ(store().find("daily").value().last_error, "queue is full");
    EXPECT_TRUE(store().take_runs(store_epoch + 2min, store_epoch + 9min, 9).value().empty());
    const auto taken = store().take_runs(store_epoch + 3min, store_epoch + 4min, 9).value();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].tries, 1U);
    settle({.key = run.key, .job_id = run.job_id});
    EXPECT_EQ(store().find("daily").value().last_error, "");
}

TEST_P(ScheduleStoreTest, AnEarlierSlotThatComesLateIsNotTheLast) {
    Firing firing = firing_of(add("daily"));
    firing.runs = {{.slot = store_epoch + 1min}, {.slot = store_epoch + 2min}};
    const Fired fired = fire(firing);
    settle({.key = fired.runs.at(1).key, .job_id = "second"});
    settle({.key = fired.runs.at(0).key, .job_id = "first"});

    EXPECT_EQ(store().find("daily").value().last_job, "second");
}

TEST_P(ScheduleStoreTest, ClaimedRunsOutliveTheirScheduleAndBufferedOnesDoNot) {
    Firing firing = firing_of(add("daily"));
    firing.runs = {
        {.slot = store_epoch + 1min}, {.slot = store_epoch + 2min, .state = RunState::buffered}};
    ASSERT_TRUE(fire(firing).done);
    ASSERT_TRUE(store().remove("daily"));

    const auto taken = store().take_runs(store_epoch + 1h, store_epoch + 2h, 10).value();

    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].type, "report:generate");
    EXPECT_TRUE(store().buffered("", 10).value().empty());
    EXPECT_EQ(runs_of("daily").at(0).state, RunState::skipped);
}

TEST_P(ScheduleStoreTest, TheOldestBufferedRunOfEachScheduleIsReleasedOnce) {
    for (const char* name : {"a", "b"}) {
        Firing firing = firing_of(add(name));
        firing.runs = {
            {.slot = store_epoch + 2min, .state = RunState::buffered},
            {.slot = store_epoch + 1min, .state = RunState::buffered}};
        ASSERT_TRUE(fire(firing).done);
    }
    EXPECT_TRUE(store().next_work().value().buffered);

    const auto oldest = store().buffered("", 10).value();

    ASSERT_EQ(oldest.size(), 2U);
    EXPECT_EQ(store().buffered("", 1)->size(), 1U);
    EXPECT_EQ(store().buffered("a", 10)->at(0).key.schedule, "b");
    const RunKey first{"a", store_epoch + 1min, false};
    EXPECT_EQ(oldest[0].key, first);
    EXPECT_TRUE(store().release(first, store_epoch + 5min, "").value());
    EXPECT_FALSE(store().release(first, store_epoch + 5min, "").value());
    EXPECT_EQ(store().take_runs(store_epoch + 5min, store_epoch + 6min, 9).value().size(), 1U);
    const RunKey second{"a", store_epoch + 2min, false};
    EXPECT_TRUE(store().release(second, std::nullopt, "replaced").value());
    EXPECT_EQ(store().find("a").value().skipped, 1U);
    EXPECT_EQ(store().find("a").value().runs, 1U);
    EXPECT_EQ(store().runs_of("a", 9, true).value().size(), 1U);
}

TEST_P(ScheduleStoreTest, AScheduledJobComesBackAsItWasWritten) {
    const ScheduledJob job = add_job("one", store_epoch + 1h);

    EXPECT_EQ(another()->find_job("one").value(), job);
    EXPECT_EQ(store().add_jobs(std::span(&job, 1)).error().code(), Errc::already_exists);
    EXPECT_EQ(store().find_job("two").error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, SeveralJobsAreAddedTogetherOrNotAtAll) {
    const ScheduledJob known = add_job("one", store_epoch + 1h);
    ScheduledJob fresh = known;
    fresh.id = "two";
    const std::vector<ScheduledJob> both{fresh, known};

    EXPECT_EQ(store().add_jobs(both).error().code(), Errc::already_exists);
    EXPECT_EQ(store().find_job("two").error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, JobsAreTakenWhenTheyAreDueAndByOne) {
    add_job("late", store_epoch + 2h);
    add_job("early", store_epoch + 1h);
    EXPECT_EQ(store().next_work().value().timers, store_epoch + 1h);
    EXPECT_TRUE(store().take_jobs(store_epoch + 1h - 1us, store_epoch + 3h, 9).value().empty());

    const auto taken = store().take_jobs(store_epoch + 1h, store_epoch + 1h + 30s, 9).value();

    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].id, "early");
    EXPECT_TRUE(another()->take_jobs(store_epoch + 1h, store_epoch + 3h, 9).value().empty());
    EXPECT_EQ(store().cancel_job("early", store_epoch + 1h).error().code(), Errc::conflict);
    EXPECT_EQ(store().take_jobs(store_epoch + 1h + 30s, store_epoch + 3h, 9).value().size(), 1U);
}

TEST_P(ScheduleStoreTest, AJobThatIsEnqueuedOrCancelledIsNotTakenAgain) {
    add_job("one", store_epoch + 1h);
    add_job("two", store_epoch + 1h);
    ASSERT_TRUE(store().cancel_job("two", store_epoch));
    ASSERT_EQ(store().take_jobs(store_epoch + 1h, store_epoch + 2h, 9).value().size(), 1U);
    const JobOutcome outcome{.id = "one"};
    ASSERT_TRUE(store().settle_jobs(std::span(&outcome, 1), store_epoch + 1h));

    EXPECT_TRUE(store().take_jobs(store_epoch + 9h, store_epoch + 10h, 9).value().empty());
    EXPECT_EQ(store().find_job("one").value().state, ScheduledState::enqueued);
    EXPECT_EQ(store().find_job("two").value().state, ScheduledState::cancelled);
    EXPECT_EQ(store().cancel_job("one", store_epoch).error().code(), Errc::conflict);
    EXPECT_EQ(store().cancel_job("three", store_epoch).error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, AJobThatCouldNotBeEnqueuedIsTriedAgainAndMayBeCancelled) {
    add_job("one", store_epoch + 1h);
    ASSERT_EQ(store().take_jobs(store_epoch + 1h, store_epoch + 2h, 9).value().size(), 1U);
    const JobOutcome outcome{
        .id = "one",
        .state = ScheduledState::waiting,
        .error = "no answer",
        .retry_at = store_epoch + 90min};
    ASSERT_TRUE(store().settle_jobs(std::span(&outcome, 1), store_epoch + 1h));

    EXPECT_TRUE(store().take_jobs(store_epoch + 80min, store_epoch + 2h, 9).value().empty());
    EXPECT_EQ(store().find_job("one").value().error, "no answer");
    EXPECT_EQ(store().find_job("one").value().tries, 1U);
    EXPECT_TRUE(store().cancel_job("one", store_epoch + 80min));
}

TEST_P(ScheduleStoreTest, AJobThatIsRescheduledIsDueThenAndNotBefore) {
    add_job("one", store_epoch + 1h);
    ASSERT_EQ(store().take_jobs(store_epoch + 1h, store_epoch + 2h, 9).value().size(), 1U);
    EXPECT_EQ(
        store().reschedule_job("one", store_epoch, store_epoch + 1h).error().code(), Errc::conflict
    ) << "somebody holds it";
    const JobOutcome outcome{
        .id = "one",
        .state = ScheduledState::waiting,
        .error = "no answer",
        .retry_at = store_epoch + 90min};
    ASSERT_TRUE(store().settle_jobs(std::span(&outcome, 1), store_epoch + 1h));

    ASSERT_TRUE(store().reschedule_job("one", store_epoch + 3h, store_epoch + 1h));

    EXPECT_EQ(store().find_job("one").value().due, store_epoch + 3h);
    EXPECT_EQ(store().find_job("one").value().tries, 0U);
    EXPECT_EQ(store().next_work().value().timers, store_epoch + 3h);
    EXPECT_TRUE(store().take_jobs(store_epoch + 3h - 1us, store_epoch + 4h, 9).value().empty());
    EXPECT_EQ(store().take_jobs(store_epoch + 3h, store_epoch + 4h, 9).value().size(), 1U);
    EXPECT_EQ(
        store().reschedule_job("two", store_epoch, store_epoch).error().code(), Errc::not_found
    );
    ASSERT_TRUE(store().cancel_job("one", store_epoch + 4h));
    EXPECT_EQ(
        store().reschedule_job("one", store_epoch, store_epoch + 4h).error().code(), Errc::conflict
    );
}

TEST_P(ScheduleStoreTest, JobsAreListedByTimeInPages) {
    add_job("b", store_epoch + 1h);
    add_job("a", store_epoch + 1h);
    add_job("c", store_epoch + 30min);

    const auto first = store().list_jobs({}, 2).value();
    const JobPlace end{.due = first.at(1).due, .id = first.at(1).id};
    // Whatever becomes of the last one of a page, the next one goes on behind its place.
    ASSERT_TRUE(store().reschedule_job("a", store_epoch + 2h, store_epoch));
    const auto second = store().list_jobs(end, 2).value();

    EXPECT_EQ(first[0].id, "c");
    EXPECT_EQ(first[1].id, "a");
    ASSERT_EQ(second.size(), 2U);
    EXPECT_EQ(second[0].id, "b");
    EXPECT_EQ(second[1].id, "a");
}

TEST_P(ScheduleStoreTest, WhatIsKnownOfManyIdsIsOneAnswerForEach) {
    add_job("waits", store_epoch + 1h);
    add_job("held", store_epoch);
    add_job("gone", store_epoch + 1h);
    ASSERT_TRUE(store().cancel_job("gone", store_epoch));
    ASSERT_EQ(store().take_jobs(store_epoch, store_epoch + 1min, 9)->size(), 1U);
    const std::vector<std::string> ids{"held", "nobody", "waits", "gone", "waits"};

    const auto known = store().known_jobs(ids).value();

    ASSERT_EQ(known.size(), 5U);
    EXPECT_EQ(known[0], (KnownJob{.held = true}));
    EXPECT_EQ(known[1], std::nullopt);
    EXPECT_EQ(known[2], KnownJob());
    EXPECT_EQ(known[3], (KnownJob{.state = ScheduledState::cancelled}));
    EXPECT_EQ(known[4], KnownJob());
    EXPECT_TRUE(store().known_jobs({}).value().empty());
}

TEST_P(ScheduleStoreTest, WhatIsGivenBackWasNotTried) {
    const SlotRun run = fire(firing_of(add("daily"))).runs.at(0);
    const TimePoint free = run.claimed_until.value();
    settle(
        {.key = run.key,
         .state = RunState::claimed,
         .error = "queue is full",
         .retry_at = free,
         .held_until = free}
    );
    ASSERT_EQ(store().take_runs(free, free + 30s, 9)->size(), 1U);

    settle(
        {.key = run.key,
         .state = RunState::claimed,
         .retry_at = free + 1s,
         .held_until = free + 30s}
    );

    const auto taken = another()->take_runs(free + 1s, free + 60s, 9).value();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].tries, 1U);
    EXPECT_EQ(taken[0].error, "queue is full");
    EXPECT_EQ(store().find("daily")->last_error, "queue is full");
}

TEST_P(ScheduleStoreTest, NobodyGivesBackWhatAnotherHolds) {
    const SlotRun run = fire(firing_of(add("daily"))).runs.at(0);
    const TimePoint free = run.claimed_until.value();
    ASSERT_EQ(another()->take_runs(free, free + 30s, 9)->size(), 1U);

    settle(
        {.key = run.key,
         .state = RunState::claimed,
         .error = "too late",
         .retry_at = free,
         .held_until = free}
    );

    EXPECT_TRUE(store().take_runs(free + 29s, free + 60s, 9)->empty());
    EXPECT_EQ(runs_of("daily").at(0).tries, 0U);
}

TEST_P(ScheduleStoreTest, AJobIsGivenBackByWhoHoldsItAndByNobodyElse) {
    add_job("one", store_epoch);
    const auto give_back = [&](TimePoint held_until) {
        const JobOutcome outcome{
            .id = "one",
            .state = ScheduledState::waiting,
            .retry_at = store_epoch + 1s,
            .held_until = held_until};
        ASSERT_TRUE(store().settle_jobs(std::span(&outcome, 1), store_epoch));
    };
    ASSERT_EQ(store().take_jobs(store_epoch, store_epoch + 30s, 9)->size(), 1U);

    give_back(store_epoch + 29s);
    EXPECT_TRUE(store().take_jobs(store_epoch + 1s, store_epoch + 2s, 9)->empty());
    give_back(store_epoch + 30s);

    const auto taken = another()->take_jobs(store_epoch + 1s, store_epoch + 2s, 9).value();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].tries, 0U);
}

TEST_P(ScheduleStoreTest, AJobThatWasMovedMeanwhileIsNotEndedByWhoHeldIt) {
    add_job("one", store_epoch);
    const JobOutcome done{.id = "one", .held_until = store_epoch + 30s};
    ASSERT_EQ(store().take_jobs(store_epoch, store_epoch + 30s, 9)->size(), 1U);
    ASSERT_TRUE(store().reschedule_job("one", store_epoch + 2h, store_epoch + 30s));

    ASSERT_TRUE(store().settle_jobs(std::span(&done, 1), store_epoch + 31s));

    EXPECT_EQ(store().find_job("one")->state, ScheduledState::waiting);
}

TEST_P(ScheduleStoreTest, OpenRunsAreCountedAndKeysComeWithoutPayloads) {
    Firing firing = firing_of(add("daily"));
    firing.runs = {
        {.slot = store_epoch + 1min},
        {.slot = store_epoch + 2min},
        {.slot = store_epoch + 3min, .state = RunState::buffered},
        {.slot = store_epoch + 3min, .manual = true},
        {.slot = store_epoch + 4min, .state = RunState::skipped, .reason = "it runs"}};
    firing.keys_only = true;

    const Fired fired = fire(firing);

    ASSERT_EQ(fired.runs.size(), 5U);
    EXPECT_EQ(fired.runs[0].payload, "");
    EXPECT_EQ(
        store().open_runs("daily").value(), (OpenRuns{.claimed = 2, .buffered = 1, .manual = 1})
    );
    settle({.key = fired.runs[0].key, .job_id = "one"});
    EXPECT_EQ(store().open_runs("daily")->claimed, 1U);
    EXPECT_EQ(store().open_runs("weekly").value(), OpenRuns());
    const auto taken = store().take_runs(store_epoch + 1h, store_epoch + 2h, 9).value();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[0].payload, R"({"kind":"daily"})");
    EXPECT_EQ(taken[0].options.group, "acme");
}

TEST_P(ScheduleStoreTest, TheLeaseBelongsToOneUntilItEnds) {
    const auto other = another();
    EXPECT_TRUE(store().take_lease("schedule", "a", store_epoch, store_epoch + 10s)->mine);
    EXPECT_TRUE(store().take_lease("timers", "b", store_epoch, store_epoch + 10s)->mine);

    const Lease lease =
        other->take_lease("schedule", "b", store_epoch + 9s, store_epoch + 19s).value();

    EXPECT_FALSE(lease.mine);
    EXPECT_EQ(lease.owner, "a");
    EXPECT_EQ(lease.until, store_epoch + 10s);
    EXPECT_TRUE(store().take_lease("schedule", "a", store_epoch + 9s, store_epoch + 19s)->mine);
    EXPECT_TRUE(other->take_lease("schedule", "b", store_epoch + 19s, store_epoch + 29s)->mine);
    ASSERT_TRUE(store().release_lease("schedule", "a"));
    EXPECT_FALSE(store().take_lease("schedule", "a", store_epoch + 20s, store_epoch + 30s)->mine);
    ASSERT_TRUE(other->release_lease("schedule", "b"));
    EXPECT_TRUE(store().take_lease("schedule", "a", store_epoch + 20s, store_epoch + 30s)->mine);
}

TEST_P(ScheduleStoreTest, NobodyWorksOnTablesOfANewerProgram) {
    Schedule schedule = add("daily");
    ASSERT_TRUE(store().take_lease("schedule", "a", store_epoch, store_epoch + 10s)->mine);
    if (!is_changed_by_newer()) GTEST_SKIP() << "this store has one connection";

    const auto lease = store().take_lease("schedule", "a", store_epoch, store_epoch + 10s);
    const auto updated = store().update(schedule);

    ASSERT_FALSE(lease);
    EXPECT_EQ(lease.error().code(), Errc::corrupted);
    EXPECT_NE(lease.error().message().find("schema version 1000"), std::string::npos)
        << lease.error().message();
    ASSERT_FALSE(updated);
    EXPECT_EQ(updated.error().code(), Errc::corrupted);
}

TEST_P(ScheduleStoreTest, HoldsAreOverWhenTheClockWasSetBack) {
    ASSERT_TRUE(fire(firing_of(add("daily")), store_epoch + 24h).done);
    add_job("one", store_epoch);
    ASSERT_EQ(store().take_jobs(store_epoch + 24h, store_epoch + 25h, 9).value().size(), 1U);
    ASSERT_TRUE(store().take_lease("timers", "a", store_epoch + 24h, store_epoch + 24h + 10s)->mine
    );

    EXPECT_EQ(store().take_runs(store_epoch + 1h, store_epoch + 2h, 9).value().size(), 1U);
    EXPECT_EQ(store().take_jobs(store_epoch + 1h, store_epoch + 2h, 9).value().size(), 1U);
    EXPECT_TRUE(store().take_lease("timers", "b", store_epoch, store_epoch + 10s)->mine);
}

TEST_P(ScheduleStoreTest, OnlyWhatHasEndedIsTrimmed) {
    Firing firing = firing_of(add("daily"));
    firing.runs = {
        {.slot = store_epoch + 1min}, {.slot = store_epoch + 2min}, {.slot = store_epoch + 2h}};
    const Fired fired = fire(firing);
    settle({.key = fired.runs.at(0).key, .job_id = "x"});
    settle({.key = fired.runs.at(2).key, .job_id = "y"});
    add_job("one", store_epoch);
    add_job("two", store_epoch);
    ASSERT_TRUE(store().cancel_job("two", store_epoch + 1min));

    EXPECT_EQ(store().trim(store_epoch + 1min, 10).value(), 0U);
    EXPECT_EQ(store().trim(store_epoch + 1h, 10).value(), 2U);

    EXPECT_EQ(runs_of("daily").size(), 2U);
    EXPECT_TRUE(store().find_job("one"));
    EXPECT_EQ(store().find_job("two").error().code(), Errc::not_found);
}

TEST_P(ScheduleStoreTest, ThreadsThatFireAtOnceGetEachSlotOnce) {
    constexpr int slots = 200;
    add("daily");
    std::vector<std::shared_ptr<ScheduleStore>> stores{another(), another(), another()};
    std::vector<std::vector<RunKey>> got(stores.size());
    const auto work = [&](std::size_t index) {
        ScheduleStore& mine = *stores[index];
        while (true) {
            const auto due = mine.due(store_epoch + slots * 1min + 30s, 1);
            if (!due || due->empty()) return;
            const Firing firing = firing_of(due->front());
            const auto fired = mine.fire(std::span(&firing, 1), store_epoch, store_epoch + 30s);
            if (!fired) return;
            for (const SlotRun& run : fired->front().runs)
                got[index].push_back(run.key);
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < stores.size(); ++i)
            threads.emplace_back(work, i);
    }

    std::size_t sum = 0;
    for (const auto& keys : got)
        sum += keys.size();
    EXPECT_EQ(sum, static_cast<std::size_t>(slots));
    EXPECT_EQ(store().runs_of("daily", 1000, false)->size(), static_cast<std::size_t>(slots));
}

TEST_P(ScheduleStoreTest, AChangeByAnotherConnectionWakes) {
    const auto other = another();
    if (store().wake_fd() < 0) GTEST_SKIP() << "this store has one connection";
    store().drain_wake();
    pollfd waiting{.fd = store().wake_fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 0);

    const ScheduledJob job{.id = "one", .due = store_epoch};
    ASSERT_TRUE(other->add_jobs(std::span(&job, 1)));

    EXPECT_EQ(::poll(&waiting, 1, 60'000), 1);
    store().drain_wake();
    EXPECT_EQ(::poll(&waiting, 1, 0), 0);
}

TEST(JobIdOfSlot, IsAUuidThatDependsOnScheduleSlotAndKindOnly) {
    const RunKey key{"daily", store_epoch, false};

    EXPECT_EQ(job_id_of(key), job_id_of(key));
    EXPECT_NE(job_id_of(key), job_id_of({"daily", store_epoch, true}));
    EXPECT_NE(job_id_of(key), job_id_of({"daily", store_epoch + 1us, false}));
    EXPECT_NE(job_id_of(key), job_id_of({"weekly", store_epoch, false}));
    EXPECT_EQ(job_id_of(key)[14], '8');
}

INSTANTIATE_TEST_SUITE_P(
    Stores,
    ScheduleStoreTest,
    testing::Values(
        StoreKind{
            "memory",
            [] {
                return std::make_unique<MemoryStore>();
            }},
        StoreKind{
            "file",
            [] {
                return std::make_unique<FileStore>();
            }},
        StoreKind{
            "postgres",
            [] {
                return std::make_unique<DatabaseStore>();
            }}
    ),
    [](const auto& kind) { return kind.param.name; }
);

}  // namespace
}  // namespace tranter::schedule
