#include "postgres_jobs/test_provider.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class EnqueueInDatabaseTest : public test::ProviderInDatabase {
  public:
    static constexpr int callers = 8;

    static NewJob keyed(std::string payload, DedupMode mode, Milliseconds ttl = {}) {
        return job(
            std::move(payload),
            {.retry = at_once(), .dedup = Dedup{.key = "k", .mode = mode, .ttl = ttl}}
        );
    }

    /// The answers to the same call, made by all callers at the same time.
    std::vector<Result<std::vector<Enqueued>>> all_at_once(const std::vector<NewJob>& jobs) {
        std::vector<Result<std::vector<Enqueued>>> answers(callers);
        std::vector<std::jthread> threads;
        for (auto& answer : answers)
            threads.emplace_back([&] { answer = provider().enqueue("q", jobs); });
        threads.clear();
        return answers;
    }
    static std::size_t new_ones(const std::vector<Result<std::vector<Enqueued>>>& answers) {
        std::size_t count = 0;
        for (const auto& answer : answers) {
            for (const Enqueued& one : test::must(answer))
                count += one.duplicate_of.empty() ? 1 : 0;
        }
        return count;
    }
    std::int64_t jobs_there() { return number("SELECT count(*) FROM tranter.jobs"); }
};

TEST_F(EnqueueInDatabaseTest, ATypeThatIsAWordOfSqlIsAType) {
    NewJob one = job("1");
    one.type = "NULL";
    NewJob two = job("2");
    two.type = "null";
    enqueue_all({one, two});

    EXPECT_EQ(take().type, "NULL");
    EXPECT_EQ(take().type, "null");
}

TEST_F(EnqueueInDatabaseTest, OptionsOfOneJobAreNotThoseOfItsNeighbours) {
    std::vector<NewJob> jobs{job("0"), job("1"), job("2"), job("3"), job("4")};
    jobs[1].options.priority = 0;
    jobs[2].options = {.group = "g", .ttl = hours(1), .tags = {"a"}};
    jobs[3].delay = hours(1);
    enqueue_all(jobs);

    std::vector<ReceivedJob> got = receive(10);

    ASSERT_THAT(payloads_of(got), testing::UnorderedElementsAre("0", "1", "2", "4"));
    for (const ReceivedJob& one : got)
        EXPECT_EQ(one.options, jobs.at(std::stoul(one.payload)).options) << one.payload;
    EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs WHERE expires_at IS NOT NULL"), 1);
}

TEST_F(EnqueueInDatabaseTest, OfManyWhoBringAKeyOneHasItsJob) {
    for (const DedupMode mode :
         {DedupMode::simple, DedupMode::throttle, DedupMode::debounce, DedupMode::keep_latest}) {
        const bool timed = mode == DedupMode::throttle;
        NewJob one = keyed("1", mode, timed ? minutes(5) : minutes(0));
        one.options.dedup->key = "key of mode " + std::to_string(static_cast<int>(mode));

        EXPECT_EQ(new_ones(all_at_once({one})), 1U) << one.options.dedup->key;
    }
    EXPECT_EQ(jobs_there(), 4);
}

TEST_F(EnqueueInDatabaseTest, ManyCallsWithManyKeysAtOnceAgreeAboutThem) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 100; ++i) {
        jobs.push_back(keyed(std::to_string(i), DedupMode::simple));
        jobs.back().options.dedup->key = std::to_string(i % 50);
    }

    EXPECT_EQ(new_ones(all_at_once(jobs)), 50U);
    EXPECT_EQ(jobs_there(), 50);
}

TEST_F(EnqueueInDatabaseTest, ManyKeysNeedNoMoreLocksThanThereAre) {
    database().run(
        "BEGIN; SELECT tranter.lock_keys(1, ARRAY(SELECT n::text FROM generate_series(1, 10000) n))"
    );

    EXPECT_LE(number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 1024);
    database().run("ROLLBACK");

    database().run(
        "BEGIN; SELECT tranter.lock_keys(1, ARRAY[n::text]) FROM generate_series(1, 10000) n"
    );

    EXPECT_LE(number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 1024);
    database().run("ROLLBACK");
}

TEST_F(EnqueueInDatabaseTest, OtherKeysAreNotWaitedFor) {
    postgres::Connection other(postgres::parse_target(url()).value());
    const auto lock_each = [](postgres::Connection& connection, const std::string& prefix) {
        connection.run(("SELECT tranter.lock_keys(1, ARRAY['" + prefix +
                        "' || n]) "
                        "FROM generate_series(1, 500) n")
                           .c_str());
    };
    database().run("BEGIN");
    other.run("BEGIN; SET LOCAL lock_timeout = '1s'");
    lock_each(database(), "a");

    EXPECT_NO_THROW(lock_each(other, "b"));
    EXPECT_ANY_THROW(lock_each(other, "a"));
}

TEST_F(EnqueueInDatabaseTest, AJobThatIsReplacedFillsTheGroupOfTheNewOne) {
    enqueue(job("0"));
    test::must(provider().set_limits("q", {.max_queued_per_group = 1}));
    enqueue(job("1", {.group = "a"}));
    NewJob unique = keyed("2", DedupMode::keep_latest);
    unique.options.group = "b";
    enqueue(unique);
    EXPECT_TRUE(provider().enqueue("q", {&unique, 1}));

    unique.options.group = "a";
    const auto refused = provider().enqueue("q", {&unique, 1});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::limit_exceeded);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs WHERE job_group = 'a'"), 1);
}

TEST_F(EnqueueInDatabaseTest, AKeyOfRowsIsRefused) {
    NewJob one = keyed("1", DedupMode::simple);
    one.options.dedup->key = "tranter.row:public.tasks:1";

    const auto refused = provider().enqueue("q", {&one, 1});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_EQ(jobs_there(), 0);
}

TEST_F(EnqueueInDatabaseTest, TheSameIdFromManyIsOneJob) {
    NewJob named = job("1");
    named.id = "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0001";

    EXPECT_EQ(new_ones(all_at_once({named})), 1U);
    EXPECT_EQ(jobs_there(), 1);
}

TEST_F(EnqueueInDatabaseTest, AnIdIsKnownHoweverItsJobEndsMeanwhile) {
    NewJob named = job("1");
    for (int i = 0; i < 50; ++i) {
        named.id = "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d00" + std::to_string(10 + i);
        enqueue(named);
        const ReceivedJob running = take();

        std::jthread ending([&] { EXPECT_TRUE(settle(running, Completed{})); });
        const auto again = test::must(provider().enqueue("q", {&named, 1}));
        ending.join();

        EXPECT_EQ(again.front().duplicate_of, named.id);
        EXPECT_EQ(jobs_there(), 0);
    }
}

TEST_F(EnqueueInDatabaseTest, AGroupIsFilledToItsLimitByManyAtOnce) {
    enqueue(job("0"));
    test::must(provider().set_limits("q", {.max_queued_per_group = 3}));

    const auto answers = all_at_once({job("1", {.group = "a"})});

    const auto taken = std::ranges::count_if(answers, [](const auto& one) { return bool(one); });
    EXPECT_EQ(taken, 3);
    for (const auto& one : answers) {
        EXPECT_TRUE(one || one.error().code() == Errc::limit_exceeded)
            << (one ? "" : one.error().message());
    }
}

TEST_F(EnqueueInDatabaseTest, DelayedJobsFillAGroupAndDuplicatesDoNot) {
    enqueue(job("0"));
    test::must(provider().set_limits("q", {.max_queued_per_group = 2}));
    NewJob later = job("1", {.group = "a"});
    later.delay = hours(1);
    NewJob unique = keyed("2", DedupMode::simple);
    unique.options.group = "a";

    enqueue_all({later, unique, unique, unique});
    enqueue_all({unique});

    const auto refused = provider().enqueue("q", {&later, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::limit_exceeded);
}

TEST_F(EnqueueInDatabaseTest, AReplacedJobBeginsAnewButKeepsItsPlace) {
    enqueue(keyed("1", DedupMode::debounce));
    test::must(settle(take(), Failed{.type = "E", .text = "once"}));
    enqueue(job("\"behind\""));
    enqueue(keyed("2", DedupMode::debounce));

    const ReceivedJob first = take();

    EXPECT_EQ(first.payload, "2");
    EXPECT_EQ(first.attempt, 1U);
    EXPECT_TRUE(test::must(provider().find(first.id)).failures.empty());
}

TEST_F(EnqueueInDatabaseTest, AReceiptOfTheReplacedJobIsNoReceiptOfTheNewOne) {
    const std::string id = enqueue(keyed("1", DedupMode::debounce));
    const ReceivedJob old = take();
    test::must(settle(old, Released{}));
    enqueue(keyed("2", DedupMode::debounce));
    const ReceivedJob now = take();

    EXPECT_EQ(now.id, id);
    EXPECT_FALSE(settle(old, Completed{}));
    EXPECT_TRUE(settle(now, Completed{}));
}

TEST_F(EnqueueInDatabaseTest, WhatACutConnectionUndidIsThereOnceAfterAll) {
    // Numbers of a sequence are used up by transactions that are undone, too.
    database().run(
        "CREATE SEQUENCE public.tries;"
        "CREATE FUNCTION public.cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('public.tries') = 1 THEN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;"
        "CREATE TRIGGER cutting AFTER INSERT ON tranter.jobs "
        "FOR EACH ROW EXECUTE FUNCTION public.cut()"
    );
    const NewJob one = job("1");

    const auto answers = test::must(provider().enqueue("q", {&one, 1}));

    EXPECT_EQ(answers.front().duplicate_of, "");
    EXPECT_EQ(take().id, answers.front().id);
    EXPECT_EQ(jobs_there(), 1);
    EXPECT_EQ(number("SELECT last_value FROM public.tries"), 2);
}

TEST_F(EnqueueInDatabaseTest, ManyConnectionsMakeAQueueTogether) {
    EXPECT_EQ(new_ones(all_at_once({job("1"), job("2")})), 2U * callers);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.queues"), 1);
    EXPECT_EQ(receive(100).size(), 2U * callers);
}

}  // namespace
}  // namespace tranter::postgres_jobs
