#include "postgres/connection.hpp"
#include "postgres/migrate.hpp"
#include "postgres/target.hpp"
#include "postgres/test_server.hpp"
#include "schedule/postgres_schema.hpp"
#include "schedule/store.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

// What only a store behind a network can do wrong; store_test.cpp has what every store does.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr TimePoint database_epoch{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};

class PostgresStoreTest : public testing::Test {
  public:
    PostgresStoreTest() = default;
    PostgresStoreTest(const PostgresStoreTest&) = delete;
    PostgresStoreTest& operator=(const PostgresStoreTest&) = delete;
    ~PostgresStoreTest() override = default;

  protected:
    std::shared_ptr<ScheduleStore> open() { return open_store(url_).value(); }
    const std::string& url() const { return url_; }

    /// On a connection of its own.
    postgres::Connection connect() {
        return postgres::Connection(postgres::parse_target(url_).value());
    }
    /// Ends all other connections to the database.
    static void end_others(postgres::Connection& connection) {
        connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND pid <> pg_backend_pid()"
        );
    }

    static Schedule every_minute(const std::string& name) {
        return {
            .definition =
                {.name = name, .expression = "* * * * *", .type = "t", .payload = "\"\\u00fc\""},
            .created_at = database_epoch,
            .updated_at = database_epoch,
            .next_slot = database_epoch,
            .next_due = database_epoch};
    }

    /// Asks until the store answers.
    template <class Ask>
    static auto answer_of(Ask ask) {
        const auto until = std::chrono::steady_clock::now() + 60s;
        auto answer = ask();
        while (!answer && answer.error().code() == Errc::unavailable &&
               std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(5ms);
            answer = ask();
        }
        return answer;
    }

  private:
    std::string url_ = postgres::test::server().new_database();
};

Firing next_firing(const Schedule& schedule) {
    const TimePoint slot = schedule.next_slot.value_or(TimePoint());
    return {
        .schedule = schedule.definition.name,
        .version = schedule.version,
        .runs = {{.slot = slot}},
        .next = NextSlot{.slot = slot + 1min, .due = slot + 1min}};
}

/// What all of them got; fails when two got the same.
std::set<RunKey> each_once(const std::vector<std::vector<RunKey>>& got) {
    std::set<RunKey> seen;
    for (const auto& keys : got) {
        for (const RunKey& key : keys)
            EXPECT_TRUE(seen.insert(key).second);
    }
    return seen;
}

/// Seven at a time.
std::vector<RunKey> take_all(ScheduleStore& store, TimePoint now) {
    std::vector<RunKey> out;
    auto runs = store.take_runs(now, now + 30s, 7);
    while (runs && !runs->empty()) {
        for (const SlotRun& run : *runs)
            out.push_back(run.key);
        runs = store.take_runs(now, now + 30s, 7);
    }
    return out;
}

bool becomes_readable(int fd) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 60'000) == 1;
}

TEST_F(PostgresStoreTest, ARestartOfTheServerLosesNothing) {
    const auto store = open();
    Schedule schedule = every_minute("daily");
    ASSERT_TRUE(store->insert(schedule));
    schedule.version = 1;
    const Firing firing = next_firing(schedule);
    ASSERT_TRUE(store->fire(std::span(&firing, 1), database_epoch, database_epoch + 30s));

    postgres::test::server().stop();
    EXPECT_EQ(store->find("daily").error().code(), Errc::unavailable);
    EXPECT_EQ(store->insert(every_minute("other")).error().code(), Errc::unavailable);
    postgres::test::server().start();

    const auto found = answer_of([&] { return store->find("daily"); });
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->version, 2U);
    const TimePoint later = database_epoch + 1min;
    EXPECT_EQ(store->take_runs(later, later + 30s, 9).value().size(), 1U);
    EXPECT_EQ(store->find("other").error().code(), Errc::not_found);
}

TEST_F(PostgresStoreTest, ALostConnectionIsNotNoticedByTheNextCalls) {
    const auto store = open();
    postgres::Connection admin = connect();
    ASSERT_TRUE(store->insert(every_minute("daily")));

    end_others(admin);
    EXPECT_TRUE(store->find("daily"));
    end_others(admin);
    EXPECT_TRUE(store->insert(every_minute("other")));
}

TEST_F(PostgresStoreTest, ConnectionsThatEndInTheMiddleOfCallsCostNoSlotAndRepeatNone) {
    constexpr int slots = 300;
    const TimePoint last = database_epoch + (slots - 1) * 1min;
    const std::vector<std::shared_ptr<ScheduleStore>> stores{open(), open(), open(), open()};
    ASSERT_TRUE(stores[0]->insert(every_minute("daily")));
    std::atomic<bool> done = false;
    std::vector<std::vector<RunKey>> got(3);
    const auto work = [&](std::size_t index) {
        const auto& store = stores[index];
        while (!done) {
            const auto due = store->due(last, 1);
            if (due && due->empty()) return;
            if (!due) continue;
            const Firing firing = next_firing(due->front());
            const auto fired =
                store->fire(std::span(&firing, 1), database_epoch, database_epoch + 30s);
            if (!fired) continue;
            for (const SlotRun& run : fired->front().runs)
                got[index].push_back(run.key);
        }
    };
    {
        postgres::Connection admin = connect();
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < got.size(); ++i)
            workers.emplace_back(work, i);
        const auto is_over = [&] {
            const auto due = stores.back()->due(last, 1);
            return due && due->empty();
        };
        while (!is_over())
            end_others(admin);
        done = true;
    }

    const auto store = open();
    EXPECT_EQ(store->find("daily")->runs, static_cast<std::uint64_t>(slots));
    EXPECT_EQ(store->runs_of("daily", 1000, true)->size(), static_cast<std::size_t>(slots));
    each_once(got);
    // What nobody heard of is claimed, and taken by somebody.
    EXPECT_EQ(take_all(*store, last + 1h).size(), static_cast<std::size_t>(slots));
}

TEST_F(PostgresStoreTest, RunsAreTakenByOneOfThoseWhoTakeAtOnce) {
    constexpr std::size_t count = 600;
    Schedule schedule = every_minute("daily");
    ASSERT_TRUE(open()->insert(schedule));
    Firing firing{.schedule = "daily", .next = NextSlot{}};
    for (std::size_t i = 0; i < count; ++i)
        firing.runs.push_back({.slot = database_epoch + i * 1min});
    ASSERT_TRUE(open()->fire(std::span(&firing, 1), database_epoch, database_epoch));
    std::vector<std::vector<RunKey>> got(3);
    {
        std::vector<std::jthread> takers;
        for (auto& mine : got) {
            takers.emplace_back([&mine, store = open()] { mine = take_all(*store, database_epoch); }
            );
        }
    }

    EXPECT_EQ(each_once(got).size(), count);
}

TEST_F(PostgresStoreTest, ARequestIsDoneOnceAndKnownForADay) {
    const auto store = open();
    ASSERT_TRUE(store->insert(every_minute("daily")));
    const auto ask = [&](ScheduleStore& at, TimePoint now) {
        const Firing firing{
            .schedule = "daily", .runs = {{.slot = now, .manual = true}}, .request = "r"};
        return at.fire(std::span(&firing, 1), now, now).value().front();
    };
    const Fired first = ask(*store, database_epoch);
    const auto version = store->find("daily")->version;

    const Fired again = ask(*open(), database_epoch + 1h);
    const Fired next_day = ask(*store, database_epoch + 25h);

    ASSERT_EQ(first.runs.size(), 1U);
    EXPECT_EQ(first.repeated, std::nullopt);
    EXPECT_TRUE(again.done);
    EXPECT_TRUE(again.runs.empty());
    EXPECT_EQ(again.repeated, first.runs[0].key);
    EXPECT_EQ(store->find("daily")->version, version + 1);
    EXPECT_EQ(next_day.runs.size(), 1U);
    EXPECT_EQ(store->trim(database_epoch + 26h, 10), 1U);
    EXPECT_EQ(ask(*store, database_epoch + 27h).runs.size(), 1U);
}

TEST_F(PostgresStoreTest, WhoListensListensAgainAfterALostConnection) {
    const auto store = open();
    const auto other = open();
    store->drain_wake();
    ASSERT_GE(store->wake_fd(), 0);
    postgres::Connection admin = connect();
    end_others(admin);
    ASSERT_TRUE(becomes_readable(store->wake_fd()));
    store->drain_wake();
    ASSERT_GE(store->wake_fd(), 0);

    ASSERT_TRUE(other->insert(every_minute("daily")));

    EXPECT_TRUE(becomes_readable(store->wake_fd()));
}

TEST_F(PostgresStoreTest, AFreeLeaseAndARunByHandWakeTheOthers) {
    const auto store = open();
    const auto other = open();
    ASSERT_TRUE(other->insert(every_minute("daily")));
    ASSERT_TRUE(other->take_lease("schedule", "b", database_epoch, database_epoch + 10s)->mine);
    store->drain_wake();

    ASSERT_TRUE(other->release_lease("schedule", "b"));
    EXPECT_TRUE(becomes_readable(store->wake_fd()));
    store->drain_wake();

    const Firing by_hand{.schedule = "daily", .runs = {{.slot = database_epoch, .manual = true}}};
    ASSERT_TRUE(other->fire(std::span(&by_hand, 1), database_epoch, database_epoch));
    EXPECT_TRUE(becomes_readable(store->wake_fd()));
}

TEST_F(PostgresStoreTest, SeveralProgramsThatStartAtOnceMakeTheTablesOnce) {
    std::array<bool, 6> opened{};
    {
        std::vector<std::jthread> programs;
        for (bool& mine : opened)
            programs.emplace_back([&mine, this] { mine = open_store(url()).has_value(); });
    }

    EXPECT_EQ(std::ranges::count(opened, true), 6);
    postgres::Connection connection = connect();
    const auto versions = connection.query("SELECT version FROM tranter.schema_versions");
    EXPECT_EQ(versions.size(), postgres_migrations().size());
}

TEST_F(PostgresStoreTest, TablesOfANewerProgramAreLeftAlone) {
    open();
    connect().run("INSERT INTO tranter.schema_versions VALUES('schedule', 99)");

    const auto opened = open_store(url());

    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Errc::conflict);
    EXPECT_NE(opened.error().message().find("has version 99"), std::string::npos);
}

TEST_F(PostgresStoreTest, WhatIsPrintedMakesTheTablesThatAreUsed) {
    postgres::Connection connection = connect();
    connection.run(postgres::first_migration().c_str());
    for (const auto step : postgres_migrations())
        connection.run(std::string(step).c_str());
    const std::string version = std::to_string(postgres_migrations().size());
    connection.run(
        ("INSERT INTO tranter.schema_versions VALUES('schedule', " + version + ")").c_str()
    );

    EXPECT_TRUE(open()->insert(every_minute("daily")));
}

TEST_F(PostgresStoreTest, ErrorsOfAnyTextAreKept) {
    const auto store = open();
    ASSERT_TRUE(store->insert(every_minute("daily")));
    Schedule schedule = store->find("daily").value();
    const Firing firing = next_firing(schedule);
    ASSERT_TRUE(store->fire(std::span(&firing, 1), database_epoch, database_epoch + 30s));
    const RunOutcome outcome{
        .key = {"daily", database_epoch, false},
        .state = RunState::failed,
        .error = "a\0b\xff '); DROP SCHEMA tranter; {\"\\"s};

    ASSERT_TRUE(store->settle_runs(std::span(&outcome, 1), database_epoch));

    EXPECT_TRUE(store->find("daily")->last_error.ends_with(" '); DROP SCHEMA tranter; {\"\\"));
    schedule.definition.name = "other";
    schedule.definition.payload = std::string("\0", 1);
    EXPECT_EQ(store->insert(schedule).error().code(), Errc::invalid_argument);
    schedule.definition.payload = "\xff";
    EXPECT_EQ(store->insert(schedule).error().code(), Errc::invalid_argument);
}

TEST_F(PostgresStoreTest, UrlsMayHaveInThemWhatPrismaWants) {
    EXPECT_TRUE(open_store(url() + "&schema=public&connection_limit=5&application_name=shop"));
    const auto unknown = open_store(url() + "&colour=red");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code(), Errc::invalid_argument);
    EXPECT_NE(unknown.error().message().find("colour"), std::string::npos);
}

TEST(PostgresUrl, PasswordsAreInNoError) {
    const std::string password = "correct-horse-battery";
    for (const std::string& url :
         {"postgres://u:" + password + "@127.0.0.1:9/db?sslmode=disable",
          "postgres://u:" + password + "@127.0.0.1:port/db",
          "postgres://u:" + password + "@[::1/db",
          "postgres:/u:" + password + "@h/db",
          "postgres://u@127.0.0.1:9/db?password=" + password + "&x"}) {
        const auto opened = open_store(url);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().message().find(password), std::string::npos)
            << opened.error().message();
    }
}

TEST(PostgresArrays, QuoteWhatHasAMeaningInThem) {
    const std::array<postgres::Parameter, 4> values{"a", std::nullopt, "\"\\", ""};

    EXPECT_EQ(postgres::array_of(values), R"({"a",NULL,"\"\\",""})");
}

}  // namespace
}  // namespace tranter::schedule
