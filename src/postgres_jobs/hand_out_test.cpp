#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::must;
using testing::ElementsAre;
using testing::SizeIs;

class HandOutTest : public test::ProviderInDatabase {
  public:
    /// Runs `work` on eight threads; what one of them throws fails the test.
    static void on_eight_threads(const std::function<void()>& work) {
        std::mutex mutex;
        std::vector<std::string> problems;
        const auto noted = [&] {
            try {
                work();
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex);
                problems.emplace_back(error.what());
            }
        };
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back(noted);
        threads.clear();
        EXPECT_THAT(problems, testing::IsEmpty());
    }

    void complete_all(const std::vector<ReceivedJob>& jobs) {
        std::vector<Settlement> settlements;
        for (const ReceivedJob& one : jobs)
            settlements.push_back({.receipt = one.receipt, .outcome = Completed{}});
        for (const Result<>& result : must(provider().settle("q", settlements)))
            must(result);
    }

    static std::vector<NewJob> numbered(int count, const std::string& group = "") {
        std::vector<NewJob> jobs;
        for (int i = 0; i < count; ++i)
            jobs.push_back(job(fmt::format("\"{}{}\"", group, i), {.group = group}));
        return jobs;
    }

    /// Groups of what is handed out, in order.
    std::string groups_of(std::size_t jobs_max) {
        std::string groups;
        for (const ReceivedJob& one : receive(jobs_max))
            groups += one.options.group.empty() ? "-" : one.options.group;
        return groups;
    }

    void limit(const QueueLimits& limits) { must(provider().set_limits("q", limits)); }
};

// ---- at the same time -------------------------------------------------------------------------

TEST_F(HandOutTest, EightWhoFetchAtOnceNeverGetTheSameJob) {
    enqueue_all(numbered(2'000));
    std::mutex mutex;
    std::multiset<std::string> handed_out;

    on_eight_threads([&] {
        while (true) {
            const auto jobs = receive(7);
            if (jobs.empty()) return;
            const std::lock_guard lock(mutex);
            for (const ReceivedJob& one : jobs)
                handed_out.insert(one.id);
        }
    });

    EXPECT_EQ(handed_out.size(), 2'000U);
    EXPECT_EQ(std::set<std::string>(handed_out.begin(), handed_out.end()).size(), 2'000U);
}

/// Counts what is certainly running: from after the hand-out until before the settlement.
class RunningCounts {
  public:
    void begin(const std::vector<ReceivedJob>& jobs) {
        const std::lock_guard lock(mutex_);
        for (const ReceivedJob& one : jobs)
            highest_of_group_ = std::max(highest_of_group_, ++groups_[one.options.group]);
        running_ += jobs.size();
        highest_ = std::max(highest_, running_);
    }
    void end(const std::vector<ReceivedJob>& jobs) {
        const std::lock_guard lock(mutex_);
        for (const ReceivedJob& one : jobs)
            --groups_[one.options.group];
        running_ -= jobs.size();
        done_ += jobs.size();
    }
    std::size_t done() {
        const std::lock_guard lock(mutex_);
        return done_;
    }
    std::size_t highest() const { return highest_; }
    int highest_of_group() const { return highest_of_group_; }

  private:
    std::mutex mutex_;
    std::map<std::string, int> groups_{};
    std::size_t running_ = 0;
    std::size_t done_ = 0;
    std::size_t highest_ = 0;
    int highest_of_group_ = 0;
};

TEST_F(HandOutTest, LimitsAreExactWhenEightFetchAtOnce) {
    limit({.max_in_flight = 9, .max_in_flight_per_group = 2});
    for (const char* group : {"a", "b", "c", "d", "e", "f"})
        enqueue_all(numbered(60, group));
    RunningCounts counts;

    on_eight_threads([&] {
        while (counts.done() < 360) {
            const auto jobs = receive(4);
            counts.begin(jobs);
            counts.end(jobs);
            if (!jobs.empty()) complete_all(jobs);
        }
    });

    EXPECT_LE(counts.highest(), 9U);
    EXPECT_LE(counts.highest_of_group(), 2);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs"), 0);
}

TEST_F(HandOutTest, ALimitIsExactAlthoughNothingIsSettled) {
    limit({.max_in_flight = 25});
    enqueue_all(numbered(200));
    std::atomic<std::size_t> handed_out = 0;

    on_eight_threads([&] {
        for (int i = 0; i < 10; ++i)
            handed_out += receive(3).size();
    });

    EXPECT_EQ(handed_out, 25U);
}

// ---- groups -----------------------------------------------------------------------------------

TEST_F(HandOutTest, TurnsGoOnWhereTheLastHandOutEnded) {
    for (const char* group : {"a", "b", "c", "d"})
        enqueue_all(numbered(3, group));
    enqueue_all(numbered(3));

    EXPECT_EQ(groups_of(3), "abc");
    EXPECT_EQ(groups_of(3), "d-a");
    EXPECT_EQ(groups_of(9), "bcd-abcd-");
    EXPECT_EQ(groups_of(9), "");
}

TEST_F(HandOutTest, AGroupThatHasFewGivesItsTurnsToTheOthers) {
    enqueue_all(numbered(20, "a"));
    enqueue_all(numbered(1, "b"));
    enqueue_all(numbered(2, "c"));

    EXPECT_EQ(groups_of(12), "abcacaaaaaaa");
    EXPECT_EQ(groups_of(100), std::string(11, 'a'));
}

TEST_F(HandOutTest, AMillionJobsOfOneGroupDoNotDelayAnother) {
    enqueue_all(numbered(1, "z"));
    database().run(
        "INSERT INTO tranter.jobs(id, queue_id, state, rank, created_at, due_at, job_group, type, "
        "payload) SELECT gen_random_uuid(), 1, 0, n, now(), now(), 'a', 'test.job', '1' "
        "FROM generate_series(1, 20000) n"
    );
    database().run("BEGIN");

    const auto first = database().query(
        "SELECT count(*) FROM tranter.fetch(1, 10, 30000, 'w', false, 0) WHERE job_group = 'z'"
    );

    EXPECT_EQ(first.integer(0, 0), 1);
    EXPECT_LT(
        number("SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = "
               "'tranter.jobs'::regclass"),
        200
    );
    database().run("ROLLBACK");
}

TEST_F(HandOutTest, GroupsAtTheirLimitArePassedOver) {
    limit({.max_in_flight_per_group = 1});
    enqueue_all(numbered(5, "a"));
    enqueue_all(numbered(5, "b"));
    enqueue_all(numbered(2));

    EXPECT_EQ(groups_of(10), "ab--");
    EXPECT_EQ(groups_of(10), "");

    enqueue_all(numbered(1, "c"));
    EXPECT_EQ(groups_of(10), "c");
}

TEST_F(HandOutTest, UnfairQueuesWithALimitOfGroupsGoByAgeOverThoseThatHaveRoom) {
    limit({.max_in_flight_per_group = 2, .fair = false});
    enqueue_all(numbered(3, "b"));
    enqueue_all(numbered(1));
    enqueue_all(numbered(3, "a"));

    EXPECT_EQ(groups_of(10), "bb-aa");
}

TEST_F(HandOutTest, TwoOfKeepLatestWithOneKeyNeverRunTogether) {
    const auto keyed = [](std::string payload) {
        return job(
            std::move(payload),
            {.retry = at_once(), .dedup = Dedup{.key = "k", .mode = DedupMode::keep_latest}}
        );
    };
    enqueue(keyed("1"));
    const ReceivedJob first = take();
    enqueue(keyed("2"));
    must(settle(first, Failed{.type = "E", .text = "again"}));
    ASSERT_EQ(number("SELECT count(*) FROM tranter.jobs WHERE state = 0"), 2);

    const auto running = receive(10);
    ASSERT_THAT(running, SizeIs(1));
    EXPECT_THAT(receive(10), SizeIs(0));
    must(settle(running.front(), Completed{}));

    EXPECT_THAT(receive(10), SizeIs(1));
}

TEST_F(HandOutTest, GroupsThatHaveToWaitHideNoneOfThoseBehindThem) {
    const auto keyed = [](const std::string& group, const std::string& key) {
        return job(
            "1", {.group = group, .dedup = Dedup{.key = key, .mode = DedupMode::keep_latest}}
        );
    };
    enqueue_all({keyed("a", "1"), keyed("b", "2")});
    ASSERT_EQ(groups_of(2), "ab");
    enqueue_all({keyed("c", "1"), keyed("d", "2"), job("1", {.group = "e"})});

    EXPECT_EQ(groups_of(1), "e");
}

TEST_F(HandOutTest, TenThousandFullGroupsDoNotKeepTheTurnFromMovingOn) {
    limit({.max_in_flight_per_group = 1});
    enqueue_all(numbered(1, "z"));
    for (const char* state : {"0", "2"}) {
        database().run(fmt::format(
                           "INSERT INTO tranter.jobs(id, queue_id, state, rank, created_at, "
                           "due_at, lease_until, job_group, type, payload) SELECT "
                           "gen_random_uuid(), 1, {}, n, now(), now(), now() + interval '1 hour', "
                           "'a' || n, 'test.job', '1' FROM generate_series(1, 10050) n",
                           state
        )
                           .c_str());
    }

    EXPECT_EQ(groups_of(1) + groups_of(1), "z");
}

TEST_F(HandOutTest, WhoWaitsForHisTurnHoldsNothingThatTheOneWhoHasItNeeds) {
    enqueue_all(numbered(1, "a"));
    database().run("UPDATE tranter.queue_hints SET wanted = true, epoch = 7");
    database().run("BEGIN; SELECT pg_advisory_xact_lock(1416779637, 1)");
    std::jthread other([this] {
        try {
            postgres::Connection connection(postgres::parse_target(url()).value());
            connection.run("SET statement_timeout = '60s'; SET lock_timeout = '60s'");
            connection.query("SELECT tranter.fetch(1, 1, 30000, 'w', true, 7)");
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    });
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    while (number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND "
                  "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
           ) == 0) {
        ASSERT_LT(std::chrono::steady_clock::now(), until);
        std::this_thread::yield();
    }

    database().run("SELECT 1 FROM tranter.queue_hints FOR UPDATE NOWAIT");

    database().run("COMMIT");
    other.join();
    EXPECT_EQ(number("SELECT count(*) FROM tranter.queue_hints WHERE wanted"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs WHERE state = 2"), 1);
}

TEST_F(HandOutTest, AHandOutThatWasUndoneLeavesAReceiptThatFitsNoOther) {
    enqueue(job("1"));
    database().run("BEGIN");
    const std::int64_t undone =
        number("SELECT delivery FROM tranter.fetch(1, 1, 30000, 'w', true, 0)");
    database().run("ROLLBACK");

    EXPECT_NE(number("SELECT delivery FROM tranter.fetch(1, 1, 30000, 'w', true, 0)"), undone);
    database().run("UPDATE tranter.jobs SET state = 0, delivery = 2147483647, lease_until = NULL");
    EXPECT_GE(number("SELECT delivery FROM tranter.fetch(1, 1, 30000, 'w', true, 0)"), 1);
}

// ---- time -------------------------------------------------------------------------------------

TEST_F(HandOutTest, AJobWhoseLeaseEndsForTheLastTimeGoesToTheDeadLetterQueue) {
    enqueue(job("1", {.group = "g", .retry = at_once(1)}));
    take("q", seconds(1));
    database().run("UPDATE tranter.jobs SET lease_until = now() - interval '1 s'");

    EXPECT_THAT(receive(1), SizeIs(0));

    const QueueStats stats = must(provider().stats("q"));
    EXPECT_EQ(stats.dead_letter_queue, "q-dlq");
    EXPECT_EQ(stats.dead, 1U);
    EXPECT_EQ(stats.failed, 1U);
    EXPECT_EQ(
        text("SELECT reason FROM tranter.jobs"),
        "attempt 1 of 1 failed: the lease ended before the attempt did"
    );
    EXPECT_EQ(text("SELECT failures::json -> 0 ->> 'type' FROM tranter.jobs"), "lease_expired");
}

TEST_F(HandOutTest, NoJobKeepsTheLeasesOfOthersFromEnding) {
    const std::string often = enqueue(job("1", {.retry = at_once(4'294'967'295U)}));
    enqueue(job("2"));
    enqueue(job("3"));
    ASSERT_THAT(receive(3), SizeIs(3));
    database().run("UPDATE tranter.jobs SET options = '{' WHERE payload = '2'");
    database().run("UPDATE tranter.jobs SET failures = '[' WHERE payload = '3'");
    database().run("UPDATE tranter.jobs SET lease_until = now() - interval '1 s'");

    EXPECT_EQ(take().id, often);

    EXPECT_EQ(
        number("SELECT count(*) FROM tranter.jobs WHERE home_id IS NOT NULL AND reason = "
               "'options or failures cannot be read'"),
        2
    );
}

TEST_F(HandOutTest, ADeadLetterCanBeReceivedWhereItLiesAndEndsThere) {
    for (const AttemptOutcome& outcome :
         {AttemptOutcome(Completed{}), AttemptOutcome(Dead{.type = "E", .reason = "twice"})}) {
        const std::string id = enqueue(job("1", {.group = "g"}));
        must(settle(take(), Dead{.type = "E", .reason = "once"}));

        const ReceivedJob letter = take("q-dlq");
        EXPECT_EQ(letter.id, id);
        must(settle(letter, outcome));

        EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs"), 0);
        const JobRecord record = must(provider().find(id));
        EXPECT_EQ(
            record.state,
            std::holds_alternative<Dead>(outcome) ? JobState::dead : JobState::completed
        );
    }
    EXPECT_EQ(number("SELECT count(*) FROM tranter.queues"), 2);
}

TEST_F(HandOutTest, LeasesThatEndTogetherKeepTheLastTenFailuresOfEach) {
    enqueue(job("1", {.retry = at_once()}));
    for (int attempt = 1; attempt <= 12; ++attempt) {
        EXPECT_EQ(take().attempt, static_cast<std::uint32_t>(attempt));
        database().run("UPDATE tranter.jobs SET lease_until = now() - interval '1 s'");
    }
    const std::string id = take().id;

    const JobRecord record = must(provider().find(id));

    ASSERT_THAT(record.failures, SizeIs(10));
    EXPECT_EQ(record.failures.front().attempt, 3U);
    EXPECT_EQ(record.failures.back().attempt, 12U);
    EXPECT_EQ(record.failures.back().type, "lease_expired");
}

// ---- notes ------------------------------------------------------------------------------------

TEST_F(HandOutTest, LinesBeyondTheLimitsOfALogAreNotKept) {
    enqueue(job("1"));
    const ReceivedJob got = take();
    const std::vector<std::string> lines(200, std::string(1'000, 'l'));
    for (int i = 0; i < 10; ++i)
        must(provider().append_log(got.queue, got.receipt, lines));

    EXPECT_LT(number("SELECT sum(bytes) FROM tranter.job_logs"), 1'500'000);
    EXPECT_GE(number("SELECT sum(bytes) FROM tranter.job_logs"), 1 << 20);
    const LogPage page = must(provider().log_of(got.id));
    EXPECT_EQ(page.lines.size() + page.dropped, 2'000U);
}

TEST_F(HandOutTest, LinesAreKeptWhateverIsInThem) {
    enqueue(job("1"));
    const ReceivedJob got = take();
    const std::vector<std::string> lines{std::string("a\0b", 3), "\xFF", "two\nlines", "{\"}'\\"};

    must(provider().append_log(got.queue, got.receipt, lines));

    EXPECT_THAT(
        must(provider().log_of(got.id)).lines, ElementsAre("a?b", "?", "two", "lines", "{\"}'\\")
    );
}

TEST_F(HandOutTest, LeasesAreRenewedBesideAJobThatItsHandlerIsCompleting) {
    enqueue_all(numbered(2));
    const auto jobs = receive(2);
    const std::vector<std::string> receipts{jobs.at(0).receipt, jobs.at(1).receipt};
    database().run("BEGIN; SELECT 1 FROM tranter.jobs WHERE payload = '\"0\"' FOR UPDATE");

    const auto renewed = must(provider().extend("q", receipts, std::chrono::hours(1)));

    const TimePoint soon =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()) +
        std::chrono::minutes(1);
    EXPECT_LT(must(renewed.at(0)).lease_until, soon) << "that one has the lease that it had";
    EXPECT_GT(must(renewed.at(1)).lease_until, soon);
    database().run("ROLLBACK");
    EXPECT_EQ(
        number("SELECT count(*) FROM tranter.jobs WHERE lease_until > now() + interval '1 minute'"),
        1
    );
}

TEST_F(HandOutTest, AReceiptInAnotherSpellingIsNone) {
    enqueue(NewJob{.id = "abababab-abab-4bab-abab-abababababab", .type = "test.job"});
    const ReceivedJob got = take();
    ASSERT_THAT(got.receipt, testing::StartsWith("abababab-abab-4bab-abab-abababababab."));

    for (const char* receipt :
         {"Abababab-abab-4bab-abab-abababababab.1",
          "abababab-abab-4bab-abab-abababababab.01",
          "abababab-abab-4bab-abab-abababababab.+1",
          "abababab-abab-4bab-abab-abababababab.1 ",
          "abababab-abab-4bab-abab-abababababab.99999999999",
          "abababab-abab-4bab-abab-abababababab.",
          "abababab-abab-4bab-abab-abababababab"}) {
        ReceivedJob other = got;
        other.receipt = receipt;
        const auto result = settle(other, Completed{});
        ASSERT_FALSE(result) << receipt;
        EXPECT_EQ(result.error().code(), Errc::invalid_argument) << receipt;
    }
    must(settle(got, Completed{}));
}

// ---- settlements ------------------------------------------------------------------------------

TEST_F(HandOutTest, TransactionsThatTakeTheirTimeKeepNobodyFromCounting) {
    enqueue(job("1"));
    std::vector<std::unique_ptr<postgres::Connection>> connections;
    for (int i = 0; i < 17; ++i) {
        auto& one = connections.emplace_back(
            std::make_unique<postgres::Connection>(postgres::parse_target(url()).value())
        );
        one->run("BEGIN; SELECT tranter.count_ends(1, 1, 0, 0, 0)");
    }
    for (const auto& one : connections)
        one->run("COMMIT");

    EXPECT_EQ(must(provider().stats("q")).completed, 17U);
}

TEST_F(HandOutTest, OneCallMayEndItsJobsInEveryWay) {
    enqueue_all(numbered(6));
    const auto jobs = receive(6);
    const std::vector<Settlement> settlements{
        {.receipt = jobs.at(0).receipt, .outcome = Completed{}},
        {.receipt = jobs.at(1).receipt, .outcome = Failed{.type = "E", .text = "e"}},
        {.receipt = jobs.at(2).receipt, .outcome = Released{}},
        {.receipt = jobs.at(3).receipt, .outcome = Snoozed{.after = seconds(100)}},
        {.receipt = jobs.at(4).receipt, .outcome = Dead{.type = "E", .reason = "r"}},
        {.receipt = jobs.at(5).receipt, .outcome = Stopped{}},
    };

    for (const auto& result : must(provider().settle("q", settlements)))
        must(result);

    const QueueStats stats = must(provider().stats("q"));
    EXPECT_EQ(stats.pending, 1U);
    EXPECT_EQ(stats.scheduled, 2U);
    EXPECT_EQ(stats.processing, 0U);
    EXPECT_EQ(stats.completed, 1U);
    EXPECT_EQ(stats.failed, 1U);
    EXPECT_EQ(stats.dead, 1U);
    EXPECT_EQ(stats.cancelled, 1U);
}

}  // namespace
}  // namespace tranter::postgres_jobs
