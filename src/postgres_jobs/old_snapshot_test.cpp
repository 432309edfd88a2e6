// While somebody has an old snapshot open, nothing that was there can be taken away.
#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::seconds;
using test::must;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class OldSnapshotTest : public test::ProviderInDatabase {
  public:
    OldSnapshotTest() : reader_(postgres::parse_target(url()).value()) {
        reader_.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        reader_.query("SELECT 1");
    }

    static JobOptions urgent() { return {.priority = 0}; }

    void complete(std::size_t count) {
        enqueue_all(std::vector<NewJob>(count, job("\"gone\"")));
        const auto jobs = receive(count);
        ASSERT_THAT(jobs, SizeIs(count));
        std::vector<Settlement> settlements;
        for (const ReceivedJob& one : jobs)
            settlements.push_back({.receipt = one.receipt, .outcome = Completed{}});
        for (const Result<>& result : must(provider().settle("q", settlements)))
            must(result);
    }
    std::int64_t blocks_of_look(std::int64_t from_rank) {
        constexpr auto* sql = "SELECT blocks FROM tranter.fetch(1, 1, 30000, 'w', false, 0, {}, 0)";
        return number(fmt::format(fmt::runtime(sql), from_rank).c_str());
    }
    std::int64_t rank_of(const std::string& id) {
        return number(fmt::format("SELECT rank FROM tranter.jobs WHERE id = '{}'", id).c_str());
    }

  private:
    postgres::Connection reader_;
};

TEST_F(OldSnapshotTest, ALookBehindWhatIsGoneReadsLittle) {
    complete(2'000);
    const std::int64_t rank = rank_of(enqueue(job("1")));

    database().run("BEGIN");
    EXPECT_GT(blocks_of_look(0), 40);
    database().run("ROLLBACK; BEGIN");
    EXPECT_LT(blocks_of_look(rank), 10);
    database().run("ROLLBACK");
}

TEST_F(OldSnapshotTest, WhoAsksOnceIsGivenWhatIsThere) {
    complete(2'000);
    ASSERT_THAT(receive(1), IsEmpty());
    enqueue(job("\"urgent\"", urgent()));

    EXPECT_THAT(payloads_of(receive(1)), ElementsAre("\"urgent\""));
}

TEST_F(OldSnapshotTest, WhoWaitsIsGivenWhatIsMoreUrgentThanAllBefore) {
    complete(2'000);
    ASSERT_THAT(receive(1), IsEmpty());
    enqueue(job("\"urgent\"", urgent()));

    EXPECT_EQ(take().payload, "\"urgent\"");
}

TEST_F(OldSnapshotTest, WhoWaitsForNothingLooksAFewTimesAndSleeps) {
    complete(2'000);
    database().run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = ''pl''', "
        "current_database()); END $$"
    );
    auto waiting = must(open_postgres_provider(url(), {}));

    EXPECT_THAT(must(waiting->receive({.queue = "q", .wait = seconds(1)})), IsEmpty());

    waiting->close();
    waiting.reset();
    constexpr const char* looks =
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = 'fetch'";
    while (number(looks) == 0)
        std::this_thread::yield();  // what a session did is told when it has ended
    EXPECT_LE(number(looks), 6);
}

TEST_F(OldSnapshotTest, LeasesBeforeWhereALookBeginsEndWithTheNextOneFromTheBeginning) {
    enqueue(job("1"));
    ASSERT_THAT(receive(1), SizeIs(1));
    database().run("UPDATE tranter.jobs SET lease_until = now() - interval '2 s'");
    constexpr const char* from_a_second_ago =
        "SELECT tranter.let_time_pass(1, tranter.micros(now() - interval '1 s'))";
    constexpr const char* running = "SELECT count(*) FROM tranter.jobs WHERE state = 2";

    database().query(from_a_second_ago);
    EXPECT_EQ(number(running), 1);
    database().query("SELECT tranter.let_time_pass(1)");
    EXPECT_EQ(number(running), 0);
}

TEST_F(OldSnapshotTest, MoreThanAStepThatHasEndedIsLookedForFromTheBeginning) {
    NewJob later = job("1");
    later.delay = seconds(3'600);
    enqueue_all(std::vector<NewJob>(2'500, later));
    database().run("UPDATE tranter.jobs SET due_at = now() - interval '2 m'");
    constexpr const char* look =
        "SELECT max(ends_from) FROM tranter.fetch(1, 1, 30000, 'w', true, 0, 0, {})";
    constexpr const char* scheduled = "SELECT count(*) FROM tranter.jobs WHERE state = 1";

    std::int64_t from = 0;
    for (int looks = 0; looks < 3; ++looks) {
        from = number(fmt::format(fmt::runtime(look), from).c_str());
        EXPECT_EQ(from == 0, looks < 2) << looks;
    }
    EXPECT_EQ(number(scheduled), 0);
}

TEST_F(OldSnapshotTest, WhatEndedIsCountedOnceWhetherItWasSummedUpOrNot) {
    complete(3);
    complete(4);

    database().query("SELECT tranter.sum_tallies()");

    EXPECT_EQ(number("SELECT count(*) FROM tranter.queue_tallies"), 1);
    complete(5);
    EXPECT_EQ(must(provider().stats("q")).completed, 12U);
}

TEST_F(OldSnapshotTest, WhoDoesNotSeeWhatOthersCommitMayCountToo) {
    complete(3);
    database().run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    ASSERT_EQ(number("SELECT sum(completed) FROM tranter.queue_tallies"), 3);
    complete(4);

    database().query("SELECT tranter.count_ends(1, 1, 0, 0, 0)");
    database().query("SELECT tranter.sum_tallies()");
    database().run("COMMIT");

    EXPECT_EQ(must(provider().stats("q")).completed, 8U);
}

}  // namespace
}  // namespace tranter::postgres_jobs
