#include "postgres/connection.hpp"
#include "postgres/target.hpp"
#include "postgres/test_server.hpp"
#include "schedule/later.hpp"
#include "schedule/promoter.hpp"
#include "schedule/registration.hpp"

#include <tranter/provider.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

// Schedules and jobs in one database: both rooms, the real server, and whoever dies in between.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint joint_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};

struct Died {};

class OneTransactionTest : public testing::Test {
  public:
    OneTransactionTest() = default;
    OneTransactionTest(const OneTransactionTest&) = delete;
    OneTransactionTest& operator=(const OneTransactionTest&) = delete;
    ~OneTransactionTest() override = default;

  protected:
    ScheduleStore& store() { return *store_; }
    Provider& jobs() { return *jobs_; }
    postgres::Connection& admin() { return admin_; }
    const std::string& url() const { return url_; }

    void add_minutely(const std::string& name, const std::string& group = {}) {
        const ScheduleDefinition definition{
            .name = name,
            .expression = "* * * * *",
            .type = "t",
            .payload = "1",
            .options = {.group = group}};
        const Registry registry{.store = *store_, .zones = zones_};
        ASSERT_TRUE(add(registry, definition, ScheduleSource::code, joint_epoch));
    }
    std::string add_timer(TimePoint due) {
        const NewJob job{.type = "t", .payload = "1"};
        const auto row = job_for_later("default", job, due, joint_epoch).value();
        EXPECT_TRUE(store_->add_jobs({&row, 1}));
        return row.id;
    }

    /// A scheduler that has just begun, and what it says of its work. Each has a life of its own.
    template <class Act>
    void with_promoter(
        const Act& act, const Promoter::AtStep& at_step = [](Step) {}
    ) {
        Promoter promoter(
            *store_, *jobs_, zones_, [this] { return now; }, Promoter::Options{}, at_step
        );
        act(promoter);
    }
    /// The same that looks for everything once, and may die of it.
    void live_once(const Promoter::AtStep& at_step = [](Step) {}) {
        with_promoter(
            [](Promoter& promoter) {
                try {
                    static_cast<void>(promoter.promote());
                    static_cast<void>(promoter.move_timers());
                } catch (const Died&) {
                }
            },
            at_step
        );
    }
    /// A worker that is as fast as can be, and a history that forgets at once.
    void run_and_forget() {
        while (true) {
            const auto some = jobs_->receive({.queue = "default", .jobs_max = 100}).value();
            if (some.empty()) break;
            for (const ReceivedJob& job : some) {
                ++ran[job.id];
                const Settlement done{.receipt = job.receipt, .outcome = Completed{}};
                ASSERT_TRUE(jobs_->settle("default", {&done, 1}).value()[0]);
            }
        }
        admin_.run("DELETE FROM tranter.finished_jobs");
    }
    void expect_each_ran_once(std::size_t count) {
        EXPECT_EQ(ran.size(), count);
        for (const auto& [id, times] : ran)
            EXPECT_EQ(times, 1) << id;
    }
    std::int64_t count(const std::string& from) {
        return admin_.query(("SELECT count(*) FROM tranter." + from).c_str()).integer(0, 0);
    }

    TimePoint now = joint_epoch;
    std::map<std::string, int> ran{};

  private:
    std::string url_ = postgres::test::server().new_database();
    ZoneDirectory zones_{};
    std::shared_ptr<Provider> jobs_ = open_provider(url_).value();
    std::shared_ptr<ScheduleStore> store_ = open_store(url_).value();
    postgres::Connection admin_{postgres::parse_target(url_).value()};
};

TEST_F(OneTransactionTest, ADueSlotAndATimerAreJobsAndRowsAtOnce) {
    add_minutely("daily");
    const std::string id = add_timer(joint_epoch + 1min);
    now = joint_epoch + 1min;
    with_promoter([&](Promoter& promoter) {
        ASSERT_TRUE(promoter.promote());
        ASSERT_TRUE(promoter.move_timers());
        EXPECT_EQ(promoter.tally().figures().enqueued, 2U);
    });

    const auto runs = store().runs_of("daily", 10, false).value();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].state, RunState::enqueued);
    EXPECT_EQ(store().find("daily")->last_job, runs[0].job_id);
    EXPECT_TRUE(jobs().find(runs[0].job_id));
    EXPECT_TRUE(jobs().find(id));
    EXPECT_EQ(store().find_job(id)->state, ScheduledState::enqueued);
    // One transaction has written both, which the database remembers.
    const auto same = admin().query(
        "SELECT count(*) FROM tranter.jobs job JOIN tranter.schedule_runs run "
        "ON job.id = run.job_id::uuid AND job.xmin = run.xmin"
    );
    EXPECT_EQ(same.integer(0, 0), 1);
}

TEST_F(OneTransactionTest, WhoDiesBetweenTwoStepsLeavesBothOrNothing) {
    constexpr std::size_t slots = 12;
    for (std::size_t i = 0; i < 3; ++i)
        add_minutely("s" + std::to_string(i));
    constexpr std::array steps{
        Step::found, Step::decided, Step::fired, Step::enqueued, Step::settled};
    for (std::size_t slot = 0; slot < slots; ++slot) {
        add_timer(joint_epoch + (slot + 1) * 1min);
        now = joint_epoch + (slot + 1) * 1min;
        for (const Step deadly : steps) {
            live_once([&](Step step) {
                if (step == deadly) throw Died();
            });
            run_and_forget();
            now += 1s;
        }
    }
    now += 5min;  // holds and rests are over
    live_once();
    run_and_forget();

    // Those of the five minutes that passed since.
    const std::int64_t runs = count("schedule_runs");
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), runs);
    EXPECT_EQ(count("scheduled_jobs WHERE status = 1"), static_cast<std::int64_t>(slots));
    expect_each_ran_once(static_cast<std::size_t>(runs) + slots);
}

struct CrashCase {
    const char* name;
    const char* trigger;  // what comes before EXECUTE FUNCTION
};

class CrashOfTheServerTest : public OneTransactionTest,
                             public testing::WithParamInterface<CrashCase> {};

TEST_P(CrashOfTheServerTest, LeavesBothOrNothing) {
    add_minutely("daily");
    const std::string id = add_timer(joint_epoch + 1min);
    // Sequences keep what they have counted when a transaction is undone.
    admin().run("CREATE SEQUENCE tranter.crashes");
    admin().run(
        "CREATE FUNCTION tranter.crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('tranter.crashes') <= 9 THEN PERFORM pg_terminate_backend(pg_backend_pid()); "
        "PERFORM pg_sleep(0); END IF; RETURN NEW; END $$"
    );
    admin().run(
        (std::string("CREATE ") + GetParam().trigger + " EXECUTE FUNCTION tranter.crash()").c_str()
    );

    now = joint_epoch + 1min;
    for (int lives = 0; lives < 20; ++lives) {
        live_once();
        run_and_forget();
        now += 1min;
    }
    live_once();
    run_and_forget();

    EXPECT_GT(admin().query("SELECT last_value FROM tranter.crashes").integer(0, 0), 9);
    const std::int64_t runs = count("schedule_runs");
    EXPECT_GE(runs, 1);
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), runs);
    EXPECT_EQ(store().find_job(id)->state, ScheduledState::enqueued);
    expect_each_ran_once(static_cast<std::size_t>(runs) + 1);
}

INSTANTIATE_TEST_SUITE_P(
    Places,
    CrashOfTheServerTest,
    testing::Values(
        CrashCase{"BeforeAJob", "TRIGGER c BEFORE INSERT ON tranter.jobs FOR EACH ROW"},
        CrashCase{"AfterAJob", "TRIGGER c AFTER INSERT ON tranter.jobs FOR EACH ROW"},
        CrashCase{
            "BeforeARun",
            "TRIGGER c BEFORE UPDATE ON tranter.schedule_runs FOR EACH ROW WHEN (NEW.state = 2)"},
        CrashCase{
            "AfterARun",
            "TRIGGER c AFTER UPDATE ON tranter.schedule_runs FOR EACH ROW WHEN (NEW.state = 2)"},
        CrashCase{
            "AfterASchedule",
            "TRIGGER c AFTER UPDATE ON tranter.recurring_jobs FOR EACH ROW WHEN (NEW.last_job <> "
            "OLD.last_job)"},
        CrashCase{
            "AfterATimer",
            "TRIGGER c AFTER UPDATE ON tranter.scheduled_jobs FOR EACH ROW WHEN (NEW.status = 1)"},
        CrashCase{
            "AtTheCommit",
            "CONSTRAINT TRIGGER c AFTER INSERT ON tranter.jobs DEFERRABLE INITIALLY DEFERRED FOR "
            "EACH ROW"}
    ),
    [](const auto& one) { return std::string(one.param.name); }
);

/// A run of "daily" that is claimed until then.
HeldRun claimed_run(ScheduleStore& store, TimePoint held_until) {
    const Schedule schedule = store.find("daily").value();
    const TimePoint slot = schedule.next_slot.value_or(TimePoint());
    const Firing firing{
        .schedule = "daily",
        .version = schedule.version,
        .runs = {{.slot = slot}},
        .next = NextSlot{.slot = slot + 1min, .due = slot + 1min}};
    const auto fired = store.fire({&firing, 1}, joint_epoch, held_until).value();
    const SlotRun& run = fired[0].runs.at(0);
    return {
        .key = run.key,
        .held_until = held_until,
        .job = {.id = run.job_id, .type = run.type, .payload = run.payload}};
}

TEST_F(OneTransactionTest, WhatSomebodyElseHoldsIsLeftToHim) {
    add_minutely("daily");
    const auto joint = store().join(jobs()).value();
    ASSERT_TRUE(joint);
    const std::array runs{
        claimed_run(store(), joint_epoch + 30s), claimed_run(store(), joint_epoch + 90s)};
    ASSERT_EQ(store().take_runs(joint_epoch + 1min, joint_epoch + 2min, 10)->size(), 1U);

    const auto answers = joint->enqueue_runs("default", runs, joint_epoch + 1min).value();

    EXPECT_FALSE(answers[0]);
    EXPECT_TRUE(answers[1]);
    EXPECT_EQ(count("jobs"), 1);
    const std::string id = add_timer(joint_epoch);
    const TimePoint held_until = joint_epoch + 30s;
    const NewJob timer{.id = id, .type = "t", .payload = "1"};
    ASSERT_EQ(store().take_jobs(joint_epoch, held_until, 10)->size(), 1U);
    EXPECT_FALSE(joint->enqueue_timers("default", {&timer, 1}, held_until + 1s, now).value()[0]);
    EXPECT_TRUE(joint->enqueue_timers("default", {&timer, 1}, held_until, now).value()[0]);
    EXPECT_EQ(count("jobs"), 2);
}

/// Ends the connection of whoever waits for a server that copies what it commits. False: `done`
/// came first.
bool end_who_waits_for_a_copy(postgres::Connection& admin, const std::atomic<bool>& done) {
    while (!done) {
        const auto ended = admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
            "AND datname = current_database()"
        );
        if (!ended.empty()) return true;
        std::this_thread::yield();
    }
    return false;
}

TEST_F(OneTransactionTest, ACommitWhoseAnswerIsLostIsLookedUp) {
    add_minutely("daily");
    const auto joint = store().join(jobs()).value();
    ASSERT_TRUE(joint);
    const HeldRun run = claimed_run(store(), joint_epoch + 30s);
    // Commits are kept, and then wait for a copy that never comes.
    admin().run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    admin().run("SELECT pg_reload_conf()");
    std::atomic<bool> done = false;
    Result<JointWork::Answers> answers = JointWork::Answers();
    bool cut = false;
    {
        const std::jthread caller([&] {
            answers = joint->enqueue_runs("default", {&run, 1}, joint_epoch + 1s);
            done = true;
        });
        cut = end_who_waits_for_a_copy(admin(), done);
        admin().run("ALTER SYSTEM RESET synchronous_standby_names");
        admin().run("SELECT pg_reload_conf()");
    }

    RecordProperty("cut", cut ? 1 : 0);
    ASSERT_TRUE(answers) << answers.error().message();
    ASSERT_TRUE((*answers)[0]);
    EXPECT_EQ((*answers)[0]->id, run.job.id);
    EXPECT_EQ(count("jobs"), 1);
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), 1);
}

TEST_F(OneTransactionTest, AJobThatIsRefusedCostsItselfAlone) {
    constexpr int others = 9;
    for (int i = 0; i < others; ++i)
        add_minutely("s" + std::to_string(i), "g" + std::to_string(i));
    add_minutely("full", "full");
    ASSERT_TRUE(jobs().set_limits("default", {.max_queued_per_group = 1}));
    const NewJob in_the_way{.type = "t", .payload = "1", .options = {.group = "full"}};
    ASSERT_TRUE(jobs().enqueue("default", {&in_the_way, 1}));

    now = joint_epoch + 1min;
    live_once();

    EXPECT_EQ(count("jobs"), others + 1);
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), others);
    EXPECT_NE(store().find("full")->last_error.find("group full"), std::string::npos);
    EXPECT_TRUE(store().meter().state().answers);
    run_and_forget();
    now += 10s;
    live_once();
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), others + 1);
    EXPECT_EQ(store().find("full")->last_error, "");
}

TEST_F(OneTransactionTest, AnotherDatabaseOfTheSameServerIsAnotherDatabase) {
    const auto elsewhere = open_store(postgres::test::server().new_database()).value();
    EXPECT_FALSE(elsewhere->join(jobs()).value());
    const auto memory = open_provider("memory:").value();
    EXPECT_FALSE(store().join(*memory).value());
    EXPECT_FALSE(open_store("memory:").value()->join(jobs()).value());
    // The same by another name.
    const auto again = open_store(url() + "&application_name=other").value();
    EXPECT_TRUE(again->join(jobs()).value());
}

TEST_F(OneTransactionTest, WhoMayNotEnqueueLeavesItToTheProvider) {
    add_minutely("daily");
    admin().run("CREATE ROLE schedules LOGIN");
    admin().run("GRANT USAGE ON SCHEMA tranter TO schedules");
    admin().run(
        "GRANT ALL ON tranter.recurring_jobs, tranter.schedule_runs, "
        "tranter.schedule_requests, tranter.scheduled_jobs, tranter.schedule_leases, "
        "tranter.schema_versions TO schedules"
    );
    std::string others = url();
    others.replace(others.find("user=tranter"), 12, "user=schedules");
    const auto store_of_others = open_store(others).value();
    ZoneDirectory zones;
    now = joint_epoch + 1min;
    Promoter promoter(
        *store_of_others, jobs(), zones, [this] { return now; }, Promoter::Options{}
    );

    ASSERT_TRUE(promoter.promote());

    EXPECT_EQ(count("jobs"), 1);
    EXPECT_EQ(count("schedule_runs WHERE state = 2"), 1);
    admin().run("DROP OWNED BY schedules");
    admin().run("DROP ROLE schedules");
}

}  // namespace
}  // namespace tranter::schedule
