#include "postgres_jobs/maintenance.hpp"

#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using test::must;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

class MaintenanceTest : public test::ProviderInDatabase {
  public:
    Maintained maintain_now() { return must(maintain(pool_, MaintenanceTime::now)); }
    void set(const char* name, int value) {
        const std::vector<postgres::Parameter> parameters{name, std::to_string(value)};
        database().query(
            "INSERT INTO tranter.job_settings(name, value) VALUES($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            parameters
        );
    }
    /// As if a period had ended long ago.
    void let_hours_pass(int count) {
        database().run(fmt::format(
                           "UPDATE tranter.periods SET begun_at = begun_at - interval '{0} hours', "
                           "ended_at = ended_at - interval '{0} hours'",
                           count
        )
                           .c_str());
    }
    std::string completed(const std::string& payload) {
        std::string id = enqueue(job(payload, {.group = "acme", .tags = {"urgent"}}));
        must(settle(take(), Completed{.result = "\"fine\""}));
        return id;
    }
    /// So many finished jobs, and then the next period.
    std::vector<std::string> fill_period(int jobs) {
        std::vector<std::string> ids;
        for (int i = 0; i < jobs; ++i)
            ids.push_back(completed(fmt::format("{{\"n\":{}}}", i)));
        let_hours_pass(24 * 8);
        return ids;
    }
    std::vector<std::string> list(const std::string& filter, std::size_t page = 3) {
        std::vector<std::string> ids;
        ListRequest request{.filter = filter, .jobs_max = page};
        do {
            const JobPage found = must(provider().list(request));
            for (const JobRecord& record : found.jobs)
                ids.push_back(record.id);
            request.cursor = found.next;
        } while (!request.cursor.empty());
        return ids;
    }

  private:
    postgres::Pool pool_{postgres::parse_target(url()).value(), "the store of jobs"};
};

TEST_F(MaintenanceTest, APeriodEndsByAgeAndIsIndexedAMinuteLater) {
    const std::string id = completed("1");
    EXPECT_THAT(maintain_now().begun, IsEmpty());

    let_hours_pass(24 * 8);
    EXPECT_EQ(maintain_now(), (Maintained{.begun = {2}}));
    EXPECT_THAT(maintain_now().indexed, IsEmpty());
    let_hours_pass(1);

    EXPECT_EQ(maintain_now(), (Maintained{.indexed = {1}}));
    EXPECT_EQ(maintain_now(), Maintained{});
    EXPECT_EQ(must(provider().find(id)).state, JobState::completed);
}

TEST_F(MaintenanceTest, WhatEndsLaterStandsInTheNextPeriod) {
    completed("1");
    let_hours_pass(24 * 8);
    maintain_now();

    completed("2");

    EXPECT_EQ(number("SELECT count(*) FROM tranter.finished_jobs WHERE period = 1"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.finished_jobs WHERE period = 2"), 1);
}

TEST_F(MaintenanceTest, APeriodEndsBySize) {
    set("history_period_bytes", 8'192);
    completed("1");

    EXPECT_THAT(maintain_now().begun, ElementsAre(2));
    EXPECT_THAT(maintain_now().begun, IsEmpty()) << "an empty one ended";
}

TEST_F(MaintenanceTest, OldPeriodsGoWithTheirLogs) {
    const std::string id = enqueue(job("1"));
    const ReceivedJob got = take();
    const std::vector<std::string> lines{"a line"};
    must(provider().append_log("q", got.receipt, lines));
    must(settle(got, Completed{}));
    let_hours_pass(24 * 8);
    maintain_now();
    const std::string newer = completed("2");
    EXPECT_THAT(must(provider().log_of(id)).lines, ElementsAre("a line"));

    let_hours_pass(24 * 91);

    EXPECT_THAT(maintain_now().dropped, ElementsAre(1));
    EXPECT_EQ(provider().find(id).error().code(), Errc::not_found);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.job_logs"), 0);
    EXPECT_THAT(list(""), ElementsAre(newer));
}

TEST_F(MaintenanceTest, PeriodsBeyondWhatIsKeptGo) {
    set("history_rows_max", 2);
    for (int i = 0; i < 3; ++i) {
        fill_period(2);
        maintain_now();
        database().run("ANALYZE tranter.finished_jobs");
    }

    maintain_now();

    EXPECT_LE(number("SELECT count(*) FROM tranter.finished_jobs"), 4);
    EXPECT_GE(number("SELECT count(*) FROM tranter.finished_jobs"), 2);
}

TEST_F(MaintenanceTest, ARunningReaderKeepsAPeriodAndHoldsUpNobody) {
    completed("1");
    let_hours_pass(24 * 8);
    maintain_now();
    let_hours_pass(24 * 91);
    database().run("BEGIN; SELECT count(*) FROM tranter.finished_jobs");

    EXPECT_THAT(maintain_now().dropped, IsEmpty());
    completed("2");
    database().run("COMMIT");

    EXPECT_THAT(maintain_now().dropped, ElementsAre(1));
}

TEST_F(MaintenanceTest, OnlyOneMaintainsAndNotTwiceAMinute) {
    postgres::Pool pool(postgres::parse_target(url()).value(), "the store of jobs");
    EXPECT_FALSE(must(maintain(pool, MaintenanceTime::when_due)).is_other_busy);

    EXPECT_TRUE(must(maintain(pool, MaintenanceTime::when_due)).is_other_busy);

    EXPECT_FALSE(must(maintain(pool, MaintenanceTime::now)).is_other_busy);
    set("maintenance_busy_until", 2'000'000'000);
    EXPECT_TRUE(must(maintain(pool, MaintenanceTime::now)).is_other_busy);
}

TEST_F(MaintenanceTest, AStepThatSomebodyIsAtIsLeftOut) {
    for (int period = 0; period < 2; ++period) {
        fill_period(1);
        database().run("SELECT tranter.begin_period()");
    }
    fill_period(1);
    postgres::Connection other(postgres::parse_target(url()).value());
    other.run(
        "BEGIN; SELECT pg_advisory_xact_lock(1416779650, "
        "hashtext('SELECT tranter.index_period(interval ''1 minute'')'))"
    );

    EXPECT_EQ(maintain_now(), (Maintained{.begun = {4}, .skipped = 1}));
    other.run("ROLLBACK");

    EXPECT_EQ(maintain_now(), (Maintained{.indexed = {1, 2}}));
}

TEST_F(MaintenanceTest, ForgetsKeysAndWorkersThatAreOver) {
    const Dedup throttle{
        .key = "k", .mode = DedupMode::throttle, .ttl = std::chrono::milliseconds(1)};
    enqueue(job("1", {.dedup = throttle}));
    must(provider().receive({.queue = "q", .worker = "w"}));
    EXPECT_EQ(must(provider().workers()).size(), 1U);
    database().run(
        "UPDATE tranter.job_workers SET silent_from = now() - interval '2 hours';"
        "UPDATE tranter.throttles SET until = now() - interval '1 second'"
    );

    EXPECT_EQ(maintain_now().forgotten, 2U);

    EXPECT_EQ(number("SELECT count(*) FROM tranter.job_workers"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.throttles"), 0);
}

TEST_F(MaintenanceTest, ListsGoThroughAllPeriods) {
    std::vector<std::string> ids;
    for (int period = 0; period < 3; ++period) {
        for (const std::string& id : fill_period(4))
            ids.push_back(id);
        maintain_now();
    }
    let_hours_pass(1);
    maintain_now();
    ids.push_back(completed("{\"n\":9}"));
    ASSERT_GE(number("SELECT count(*) FROM tranter.periods WHERE indexed_at IS NOT NULL"), 2);
    std::ranges::reverse(ids);

    EXPECT_EQ(list(""), ids);
    for (const char* filter :
         {"queue:q",
          "state:completed",
          "group:acme",
          "tag:urgent",
          "fine",
          "type:test.job group:acme tag:urgent fine"}) {
        EXPECT_THAT(list(filter), UnorderedElementsAreArray(ids)) << filter;
    }
    EXPECT_THAT(list("args.n:9"), ElementsAre(ids.front()));
    EXPECT_EQ(list("args.n:3").size(), 3U);
    EXPECT_THAT(list("group:other"), IsEmpty());
}

TEST_F(MaintenanceTest, AFinishedJobOfAnIndexedPeriodCanBeRetriedAndRemoved) {
    const auto ids = fill_period(2);
    maintain_now();
    let_hours_pass(1);
    maintain_now();

    must(provider().retry(ids.at(0)));
    must(provider().remove(ids.at(1)));

    EXPECT_EQ(take().id, ids.at(0));
    EXPECT_EQ(provider().find(ids.at(1)).error().code(), Errc::not_found);
}

TEST_F(MaintenanceTest, StoppingEndsTheStepThatIsUnderWay) {
    postgres::Connection locker(postgres::parse_target(url()).value());
    locker.run("BEGIN; LOCK TABLE tranter.periods");
    postgres::Pool pool(postgres::parse_target(url()).value(), "the store of jobs");
    std::stop_source stop;
    auto call = std::async(std::launch::async, [&] {
        return maintain(pool, MaintenanceTime::now, stop.get_token());
    });
    const char* const waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
        "query LIKE 'SELECT tranter.%_period(%'";
    while (number(waiting) == 0 &&
           call.wait_for(std::chrono::milliseconds(5)) == std::future_status::timeout) {
    }
    EXPECT_EQ(number("SELECT count(*) FROM pg_locks WHERE classid = 1416779650"), 1)
        << "others may begin the same step";

    stop.request_stop();

    const auto done = call.get();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), testing::HasSubstr("user request"));
    locker.run("ROLLBACK");
    EXPECT_FALSE(maintain_now().is_other_busy);
}

TEST_F(MaintenanceTest, TheThreadEndsWhileItRests) {
    postgres::Pool pool(postgres::parse_target(url()).value(), "the store of jobs");
    Maintainer maintainer(pool);
    maintainer.begin();
    maintainer.begin();

    maintainer.close();

    maintainer.close();
    maintainer.begin();
}

}  // namespace
}  // namespace tranter::postgres_jobs
