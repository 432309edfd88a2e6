#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <list>
#include <set>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

using testing::Each;
using testing::ElementsAre;

/// As long as it lives the calls of queue q wait, and then they go together.
template <class Call>
class WaitingCalls {
  public:
    explicit WaitingCalls(SharedCalls<Call>& calls) : calls_(calls) { entered_.wait(); }
    ~WaitingCalls() {
        may_end_.count_down();
        holding_.join();
    }
    WaitingCalls(const WaitingCalls&) = delete;
    WaitingCalls& operator=(const WaitingCalls&) = delete;

    /// Returns when the one who calls waits too, or did not have to.
    template <class Work>
    void add(const Work& work) {
        const std::size_t before = calls_.waiting("q");
        std::atomic<bool>& has_ended = ended_.emplace_back(false);
        threads_.emplace_back([work, &has_ended] {
            work();
            has_ended = true;
        });
        while (calls_.waiting("q") == before && !has_ended)
            std::this_thread::yield();
    }

  private:
    SharedCalls<Call>& calls_;
    std::latch entered_{1};
    std::latch may_end_{1};
    std::list<std::atomic<bool>> ended_{};
    std::vector<std::jthread> threads_{};
    std::jthread holding_{[this] {
        Call nothing;
        calls_.run("q", {}, nothing, [this](const auto&) {
            entered_.count_down();
            may_end_.wait();
        });
    }};
};

class SharedStatementsTest : public test::ProviderInDatabase {
  public:
    using Answers = std::vector<Result<Enqueued>>;
    using Ends = std::vector<Result<>>;

    Store& store() { return store_; }
    std::int64_t jobs_there() { return number("SELECT count(*) FROM tranter.jobs"); }
    std::int64_t transactions() {
        return number("SELECT count(DISTINCT xmin::text) FROM tranter.jobs");
    }

    /// Of calls with a job each, that go together.
    Answers enqueue_together(const std::vector<NewJob>& jobs) {
        Answers answers(jobs.size());
        WaitingCalls<SharedEnqueue> calls(store_.enqueues);
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            calls.add([this, &one = jobs[i], &answer = answers[i]] {
                auto some = enqueue_jobs(store_, "q", {&one, 1});
                if (some) answer = some->front();
                if (!some) answer = std::unexpected(some.error());
            });
        }
        return answers;
    }
    /// The same of deliveries that completed.
    Ends complete_together(const std::vector<Settlement>& settlements) {
        Ends ends(settlements.size());
        WaitingCalls<SharedCompletions> calls(store_.completions);
        for (std::size_t i = 0; i < settlements.size(); ++i) {
            calls.add([this, &one = settlements[i], &end = ends[i]] {
                auto some = settle_jobs(store_, "q", {&one, 1});
                end = some ? some->front() : std::unexpected(some.error());
            });
        }
        return ends;
    }
    /// When the transaction of a job that is `bad` ends, it is refused.
    void refuse_at_the_end(const std::string& plpgsql) {
        database().run(("CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
                        "BEGIN " +
                        plpgsql +
                        " RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER refusal AFTER INSERT ON "
                        "tranter.jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.payload "
                        "= '\"bad\"') EXECUTE FUNCTION public.refuse()")
                           .c_str());
    }
    static Settlement completed(const ReceivedJob& job, std::string result = {}) {
        return {.receipt = job.receipt, .outcome = Completed{.result = std::move(result)}};
    }
    std::vector<ReceivedJob> running(std::size_t count) {
        enqueue_all(std::vector<NewJob>(count, job("1")));
        return test::must(
            provider().receive({.queue = "q", .jobs_max = count, .lease = std::chrono::hours(1)})
        );
    }
    /// What runs for each row that comes into the table.
    void for_each_row(const std::string& table, const std::string& plpgsql) {
        database().run(("CREATE SEQUENCE public.tries; CREATE FUNCTION public.each_row() "
                        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
                        plpgsql + " RETURN NULL; END $$; CREATE TRIGGER each_row AFTER INSERT ON " +
                        table + " FOR EACH ROW EXECUTE FUNCTION public.each_row()")
                           .c_str());
    }

  private:
    Store store_{
        postgres::parse_target(url()).value(),
        std::chrono::seconds(5),
        {.under_way_max = 1,
         .wait_max = std::chrono::hours(1),
         .together = shared_limits.together}};
};

constexpr const char* cut_once =
    "IF nextval('public.tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;";

TEST_F(SharedStatementsTest, JobsOfThreadsThatCameMeanwhileShareACommit) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 6; ++i) {
        jobs.push_back(job(std::to_string(i)));
        jobs.back().type = "type." + std::to_string(i / 2);
    }

    const Answers answers = enqueue_together(jobs);

    EXPECT_EQ(jobs_there(), 6);
    EXPECT_EQ(transactions(), 1);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const Enqueued& one = test::must(answers[i]);
        EXPECT_EQ(one.duplicate_of, "");
        const JobRecord kept = test::must(provider().find(one.id));
        EXPECT_EQ(kept.payload, jobs[i].payload);
        EXPECT_EQ(kept.type, jobs[i].type);
    }
    EXPECT_THAT(payloads_of(receive(6)), ElementsAre("0", "1", "2", "3", "4", "5"));
}

TEST_F(SharedStatementsTest, CallsOfSeveralJobsKeepTheirTypes) {
    const std::vector<std::vector<std::string>> types{
        {"a"}, {"a", "a"}, {"b", "b"}, {"b", "c"}, {"a"}, {"NULL", "null", "x"}};
    std::vector<std::string> expected;
    std::vector<std::vector<NewJob>> calls_of_jobs;
    for (const auto& of_call : types) {
        auto& jobs = calls_of_jobs.emplace_back();
        for (const std::string& type : of_call) {
            jobs.push_back(job("1"));
            jobs.back().type = type;
            expected.push_back(type);
        }
    }
    {
        WaitingCalls<SharedEnqueue> calls(store().enqueues);
        for (const auto& jobs : calls_of_jobs)
            calls.add([&] { EXPECT_TRUE(enqueue_jobs(store(), "q", jobs)); });
    }
    std::vector<std::string> found;
    for (const ReceivedJob& one : receive(20))
        found.push_back(one.type);
    EXPECT_EQ(found, expected);
    EXPECT_EQ(transactions(), 1);
}

TEST_F(SharedStatementsTest, AJobThatIsRefusedIsRefusedAlone) {
    for_each_row(
        "tranter.jobs",
        "IF NEW.payload = '\"bad\"' THEN RAISE EXCEPTION USING ERRCODE = '22021'; END IF;"
    );

    const Answers answers = enqueue_together({job("1"), job("\"bad\""), job("3")});

    EXPECT_EQ(test::must(answers[0]).duplicate_of, "");
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().code(), Errc::invalid_argument);
    EXPECT_EQ(test::must(answers[2]).duplicate_of, "");
    EXPECT_EQ(jobs_there(), 2);
}

TEST_F(SharedStatementsTest, WhatACutConnectionUndidIsThereOnceForEach) {
    for_each_row("tranter.jobs", cut_once);

    const Answers answers = enqueue_together({job("1"), job("2"), job("3")});

    std::set<std::string> ids;
    for (const auto& answer : answers) {
        EXPECT_EQ(test::must(answer).duplicate_of, "");
        ids.insert(answer->id);
    }
    EXPECT_EQ(ids.size(), 3U);
    EXPECT_EQ(jobs_there(), 3);
}

TEST_F(SharedStatementsTest, WhenTheCommitIsRefusedNobodyIsToldOfAJobThatIsNotThere) {
    refuse_at_the_end("RAISE EXCEPTION USING ERRCODE = '22021';");

    const Answers answers = enqueue_together({job("1"), job("\"bad\""), job("3")});

    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().code(), Errc::unavailable);
    EXPECT_EQ(jobs_there(), 2);
    for (const std::size_t good : {0U, 2U}) {
        const Enqueued& one = test::must(answers[good]);
        EXPECT_EQ(one.duplicate_of, "");
        EXPECT_TRUE(provider().find(one.id));
    }
}

TEST_F(SharedStatementsTest, WhoseConnectionIsCutAtTheCommitIsThereOnce) {
    database().run("CREATE SEQUENCE public.tries");
    refuse_at_the_end(cut_once);

    const Answers answers = enqueue_together({job("1"), job("\"bad\""), job("3")});

    for (const auto& answer : answers)
        EXPECT_EQ(test::must(answer).duplicate_of, "");
    EXPECT_EQ(jobs_there(), 3);
}

TEST_F(SharedStatementsTest, WhatIsNobodysFaultIsTriedOnce) {
    for_each_row(
        "tranter.jobs",
        "PERFORM nextval('public.tries'); RAISE EXCEPTION USING ERRCODE = 'disk_full';"
    );

    for (const auto& answer : enqueue_together({job("1"), job("2"), job("3")})) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code(), Errc::unavailable);
    }

    EXPECT_EQ(number("SELECT last_value FROM public.tries"), 1);
}

TEST_F(SharedStatementsTest, LargeCallsAndThoseWithOptionsWaitForNobody) {
    const WaitingCalls<SharedEnqueue> calls(store().enqueues);
    NewJob later = job("1");
    later.delay = std::chrono::hours(1);

    EXPECT_TRUE(enqueue_jobs(store(), "q", {&later, 1}));
    EXPECT_TRUE(enqueue_jobs(store(), "q", std::vector<NewJob>(100, job("1"))));
    const NewJob large = job("\"" + std::string(100'000, 'x') + "\"");
    EXPECT_TRUE(enqueue_jobs(store(), "q", {&large, 1}));
    const NewJob elsewhere = job("1");
    EXPECT_TRUE(enqueue_jobs(store(), "other", {&elsewhere, 1}));
}

TEST_F(SharedStatementsTest, CompletedJobsOfSeveralThreadsShareACommit) {
    const auto jobs = running(4);
    std::vector<Settlement> settlements;
    for (const ReceivedJob& one : jobs)
        settlements.push_back(completed(one, "\"" + one.id + "\""));

    EXPECT_THAT(complete_together(settlements), Each(testing::Truly([](const Result<>& end) {
                    return end.has_value();
                })));

    EXPECT_EQ(jobs_there(), 0);
    EXPECT_EQ(number("SELECT count(DISTINCT xmin::text) FROM tranter.finished_jobs"), 1);
    EXPECT_EQ(number("SELECT sum(completed) FROM tranter.queue_tallies"), 4);
    for (const ReceivedJob& one : jobs)
        EXPECT_EQ(test::must(provider().find(one.id)).result, "\"" + one.id + "\"");
}

TEST_F(SharedStatementsTest, EachOfThemHasItsOwnAnswer) {
    const auto jobs = running(3);
    test::must(settle(jobs[1], Completed{}));
    Settlement unknown = completed(jobs[0]);
    unknown.receipt = "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0001.1";

    const Ends ends =
        complete_together({completed(jobs[0]), completed(jobs[1]), unknown, completed(jobs[2])});

    EXPECT_TRUE(ends[0]);
    ASSERT_FALSE(ends[1]);
    EXPECT_EQ(ends[1].error().code(), Errc::conflict);
    ASSERT_FALSE(ends[2]);
    EXPECT_EQ(ends[2].error().code(), Errc::not_found);
    EXPECT_TRUE(ends[3]);
}

TEST_F(SharedStatementsTest, OfThoseWhoCompleteTheSameDeliveryOneDoes) {
    const auto jobs = running(2);

    const Ends ends =
        complete_together({completed(jobs[0]), completed(jobs[0]), completed(jobs[1])});

    EXPECT_NE(ends[0].has_value(), ends[1].has_value());
    EXPECT_EQ((ends[0] ? ends[1] : ends[0]).error().code(), Errc::conflict);
    EXPECT_TRUE(ends[2]);
    EXPECT_EQ(number("SELECT sum(completed) FROM tranter.queue_tallies"), 2);
}

TEST_F(SharedStatementsTest, AnOldDeliveryDoesNotStandInTheWayOfTheNewOne) {
    const ReceivedJob old = running(1).front();
    test::must(settle(old, Released{}));
    const ReceivedJob now = take();

    const Ends ends = complete_together({completed(old), completed(now)});

    ASSERT_FALSE(ends[0]);
    EXPECT_EQ(ends[0].error().code(), Errc::conflict);
    EXPECT_TRUE(ends[1]);
}

TEST_F(SharedStatementsTest, AResultThatIsRefusedIsRefusedAlone) {
    const auto jobs = running(3);
    for_each_row(
        "tranter.finished_jobs",
        "IF NEW.result = '\"bad\"' THEN RAISE EXCEPTION USING ERRCODE = '22021'; END IF;"
    );

    const Ends ends =
        complete_together({completed(jobs[0]), completed(jobs[1], "\"bad\""), completed(jobs[2])});

    EXPECT_TRUE(ends[0]);
    ASSERT_FALSE(ends[1]);
    EXPECT_EQ(ends[1].error().code(), Errc::invalid_argument);
    EXPECT_TRUE(ends[2]);
    EXPECT_EQ(jobs_there(), 1);
}

TEST_F(SharedStatementsTest, WhenNobodyKnowsWhatWasKeptNobodyIsToldThatItWas) {
    const auto jobs = running(2);
    for_each_row("tranter.finished_jobs", cut_once);

    const std::vector<Settlement> settlements{completed(jobs[0]), completed(jobs[1])};
    for (const Result<>& end : complete_together(settlements)) {
        ASSERT_FALSE(end);
        EXPECT_EQ(end.error().code(), Errc::unavailable);
    }

    EXPECT_EQ(number("SELECT last_value FROM public.tries"), 1);  // it was not done again
    EXPECT_EQ(jobs_there(), 2);
    for (const Result<>& end : complete_together(settlements))
        EXPECT_TRUE(end);
}

TEST_F(SharedStatementsTest, WhoGoesAloneAndIsRefusedIsToldWhy) {
    const auto jobs = running(1);
    database().run("ALTER TABLE tranter.finished_jobs RENAME TO elsewhere");
    const Settlement settlement = completed(jobs.front());

    const auto ends = settle_jobs(store(), "q", {&settlement, 1});

    ASSERT_FALSE(ends);
    EXPECT_THAT(ends.error().message(), testing::HasSubstr("finished_jobs"));
}

TEST_F(SharedStatementsTest, WhoEnqueuesAloneAndIsRefusedIsToldWhy) {
    enqueue(job("1"));
    database().run("ALTER TABLE tranter.jobs RENAME TO elsewhere");
    const NewJob one = job("2");

    const auto answer = enqueue_jobs(store(), "q", {&one, 1});

    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message(), testing::HasSubstr("jobs"));
}

TEST_F(SharedStatementsTest, NobodyWaitsForAJobOfAnothersThatIsLocked) {
    const auto jobs = running(3);
    postgres::Connection locker(postgres::parse_target(url()).value());
    locker.run("SET idle_in_transaction_session_timeout = 0");
    locker.begin();
    const postgres::Parameter locked = jobs[1].id;
    locker.query("SELECT FROM tranter.jobs WHERE id = $1::uuid FOR UPDATE", {&locked, 1});
    std::latch others(2);
    std::atomic<bool> locked_has_ended = false;
    std::thread releasing([&] {
        others.wait();
        EXPECT_FALSE(locked_has_ended);
        locker.rollback();
    });
    const auto completes = [this](const ReceivedJob& one) {
        const Settlement settlement = completed(one);
        const auto ends = settle_jobs(store(), "q", {&settlement, 1});
        return ends && ends->front();
    };
    const auto complete_other = [&completes, &others](const ReceivedJob& one) {
        EXPECT_TRUE(completes(one));
        others.count_down();
    };
    {
        WaitingCalls<SharedCompletions> calls(store().completions);
        calls.add([&] { complete_other(jobs[0]); });
        calls.add([&] { locked_has_ended = completes(jobs[1]); });  // false: it took too long
        calls.add([&] { complete_other(jobs[2]); });
    }
    releasing.join();
    EXPECT_TRUE(locked_has_ended || settle(jobs[1], Completed{}));
    EXPECT_EQ(jobs_there(), 0);
}

TEST_F(SharedStatementsTest, ThoseWhoGoTogetherAreMoreImpatientWithLocksThanWhoGoesAlone) {
    const auto jobs = running(3);
    database().run("CREATE TABLE public.limits(value text)");
    for_each_row(
        "tranter.finished_jobs",
        "INSERT INTO public.limits VALUES(current_setting('lock_timeout'));"
    );

    for (const Result<>& end : complete_together({completed(jobs[0]), completed(jobs[1])}))
        EXPECT_TRUE(end);
    EXPECT_EQ(text("SELECT string_agg(value, ' ') FROM public.limits"), "500ms 500ms");

    EXPECT_TRUE(complete_together({completed(jobs[2])}).front());
    EXPECT_EQ(text("SELECT string_agg(value, ' ') FROM public.limits"), "500ms 500ms 10s");
}

TEST_F(SharedStatementsTest, EachHasItsAnswerWhateverTheOrderOfTheIds) {
    auto jobs = running(4);
    std::ranges::reverse(jobs);
    test::must(settle(jobs[0], Completed{}));
    std::vector<Settlement> settlements;
    for (const ReceivedJob& one : jobs)
        settlements.push_back(completed(one, "\"" + one.id + "\""));

    const Ends ends = complete_together(settlements);

    EXPECT_FALSE(ends[0]);
    for (const std::size_t good : {1U, 2U, 3U}) {
        EXPECT_TRUE(ends[good]);
        const JobRecord kept = test::must(provider().find(jobs[good].id));
        EXPECT_EQ(kept.result, "\"" + kept.id + "\"");
    }
}

TEST_F(SharedStatementsTest, OtherOutcomesWaitForNobody) {
    const ReceivedJob failed = running(1).front();
    const WaitingCalls<SharedCompletions> calls(store().completions);
    const Settlement one{.receipt = failed.receipt, .outcome = Failed{.type = "E"}};

    EXPECT_TRUE(test::must(settle_jobs(store(), "q", {&one, 1})).front());
}

}  // namespace
}  // namespace tranter::postgres_jobs
