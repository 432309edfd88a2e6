#include "postgres/libpq.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <tranter/postgres.hpp>

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using testing::HasSubstr;

struct Invoice {
    std::uint64_t order{};
    static constexpr std::string_view kind = "invoice.send";
    static constexpr JobDefaults defaults{.queue = "q"};
    static constexpr auto unique = std::tuple{&Invoice::order};
};

/// A handler's host that does nothing.
class QuietHost : public ContextHost {
  public:
    StopReason stop_reason() const override { return StopReason::none; }
    void log(std::string) override {}
    void set_progress(std::string) override {}
    std::optional<std::string> find_step(std::string_view) override { return std::nullopt; }
    Result<> save_step(Step) override { return {}; }
};

/// A program with a connection of its own.
class TransactionTest : public test::ProviderInDatabase {
  public:
    TransactionTest() {
        std::vector<const char*> keywords;
        std::vector<const char*> values;
        const auto target = postgres::parse_target(url()).value();
        for (const auto& [keyword, value] : target) {
            keywords.push_back(keyword.c_str());
            values.push_back(value.c_str());
        }
        keywords.push_back(nullptr);
        values.push_back(nullptr);
        own_.reset(postgres::libpq().connect(keywords.data(), values.data(), 0));
        run("CREATE TABLE orders(id bigint PRIMARY KEY)");
    }

    pg_conn* own() { return own_.get(); }
    bool run(const char* sql) {
        const postgres::Libpq& libpq = postgres::libpq();
        pg_result* result = libpq.exec_params(own(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0);
        const bool done = libpq.result_status(result) == PGRES_COMMAND_OK;
        libpq.clear(result);
        return done;
    }
    std::int64_t jobs_there() { return number("SELECT count(*) FROM tranter.jobs"); }
    std::int64_t orders_there() { return number("SELECT count(*) FROM tranter.orders"); }

  private:
    struct Finish {
        void operator()(pg_conn* connection) const { postgres::libpq().finish(connection); }
    };
    std::unique_ptr<pg_conn, Finish> own_;
};

TEST_F(TransactionTest, AJobIsThereWithWhatItIsAbout) {
    PostgresTransaction jobs(own());
    ASSERT_TRUE(run("BEGIN"));
    ASSERT_TRUE(run("INSERT INTO orders VALUES(1)"));
    const auto undone = jobs.enqueue(Invoice{.order = 1});
    EXPECT_TRUE(undone) << undone.error().message();
    EXPECT_EQ(jobs_there(), 0);
    ASSERT_TRUE(run("ROLLBACK"));
    EXPECT_EQ(jobs_there(), 0);

    ASSERT_TRUE(run("BEGIN"));
    ASSERT_TRUE(run("INSERT INTO orders VALUES(2)"));
    const auto kept = jobs.enqueue(Invoice{.order = 2}, {.priority = 3, .group = "acme"});
    ASSERT_TRUE(run("COMMIT"));

    ASSERT_TRUE(kept) << kept.error().message();
    const ReceivedJob got = take();
    EXPECT_EQ(got.id, kept->id);
    EXPECT_EQ(got.payload, R"({"order":2})");
    EXPECT_EQ(got.options.group, "acme");
    EXPECT_EQ(got.options.priority, 3);
}

TEST_F(TransactionTest, WhoWaitsIsWokenByTheCommit) {
    PostgresTransaction jobs(own());
    ASSERT_TRUE(run("BEGIN"));
    const auto job = jobs.enqueue(Invoice{.order = 1});
    std::jthread committing([&] { EXPECT_TRUE(run("COMMIT")); });

    EXPECT_EQ(take().id, test::must(job).id);
}

TEST_F(TransactionTest, ManyOfAnyTypesAndQueuesAreAnsweredInOrder) {
    PostgresTransaction jobs(own());
    ASSERT_TRUE(run("BEGIN"));
    const auto answers = jobs.enqueue_all(
        {JobRequest{.type = "a", .payload = "[1.0, \"\\u0000\"]", .options = {.queue = "one"}},
         JobRequest{.type = "b", .options = {.queue = "two", .delay = std::chrono::hours(1)}},
         JobRequest{.type = "c", .payload = "3", .options = {.queue = "two"}},
         JobRequest{.type = "d", .payload = "4", .options = {.queue = "one"}}}
    );
    const auto typed = jobs.enqueue_all(std::vector<Invoice>{{1}, {2}, {1}});
    ASSERT_TRUE(run("COMMIT"));

    ASSERT_TRUE(answers) << answers.error().message();
    ASSERT_EQ(answers->size(), 4U);
    EXPECT_EQ(take("one").id, answers->at(0).id);
    EXPECT_EQ(take("two").id, answers->at(2).id);
    EXPECT_EQ(take("one").id, answers->at(3).id);
    EXPECT_EQ(test::must(provider().find(answers->at(0).id)).payload, "[1.0,\"\\u0000\"]");
    EXPECT_EQ(test::must(provider().find(answers->at(1).id)).state, JobState::scheduled);
    ASSERT_TRUE(typed) << typed.error().message();
    EXPECT_EQ(typed->at(2).duplicate_of, typed->at(0).id);
    EXPECT_EQ(typed->at(1).duplicate_of, "");
}

TEST_F(TransactionTest, WhatIsWrongIsSaidBeforeTheDatabaseIsAsked) {
    PostgresTransaction jobs(own());
    const auto outside = jobs.enqueue(Invoice{.order = 1});
    EXPECT_EQ(outside.error().code(), Errc::invalid_argument);
    EXPECT_THAT(outside.error().message(), HasSubstr("no transaction was begun"));

    ASSERT_TRUE(run("BEGIN"));
    const auto priority = jobs.enqueue(Invoice{.order = 1}, {.priority = 10});
    EXPECT_THAT(priority.error().message(), HasSubstr("priority is 10"));
    const auto payload = jobs.enqueue(JobRequest{.type = "a", .payload = "{"});
    EXPECT_EQ(payload.error().code(), Errc::invalid_argument);
    EXPECT_TRUE(jobs.enqueue(Invoice{.order = 1})) << "the transaction goes on";
    EXPECT_TRUE(run("COMMIT"));
}

TEST_F(TransactionTest, WhatTheDatabaseRefusesCanBeUndoneToASavepoint) {
    enqueue(job("0"));
    test::must(provider().set_limits("q", {.max_queued_per_group = 1}));
    PostgresTransaction jobs(own());
    ASSERT_TRUE(run("BEGIN"));
    EXPECT_TRUE(jobs.enqueue(Invoice{.order = 1}, {.group = "a"}));
    ASSERT_TRUE(run("SAVEPOINT before"));

    const auto full = jobs.enqueue(Invoice{.order = 2}, {.group = "a"});
    const auto aborted = jobs.enqueue(Invoice{.order = 3});
    ASSERT_TRUE(run("ROLLBACK TO before"));
    EXPECT_TRUE(jobs.enqueue(Invoice{.order = 4}));
    ASSERT_TRUE(run("COMMIT"));

    EXPECT_EQ(full.error().code(), Errc::limit_exceeded);
    EXPECT_FALSE(aborted);
    EXPECT_EQ(jobs_there(), 3);
}

TEST_F(TransactionTest, ADatabaseWithoutJobsSaysHowToGetThem) {
    database().run("ALTER SCHEMA tranter RENAME TO elsewhere");
    ASSERT_TRUE(run("BEGIN"));

    const auto refused = PostgresTransaction(own()).enqueue(Invoice{.order = 1});

    EXPECT_EQ(refused.error().code(), Errc::not_found);
    EXPECT_THAT(refused.error().message(), HasSubstr("tranter db migrate"));
}

TEST_F(TransactionTest, AHandlerCompletesItsJobWithWhatItDoes) {
    const std::string id = enqueue(job("1"));
    const ReceivedJob got = take();
    QuietHost host;
    const Context context(got, 1, {}, host);
    PostgresTransaction jobs(own());

    ASSERT_TRUE(run("BEGIN"));
    ASSERT_TRUE(run("INSERT INTO orders VALUES(1)"));
    EXPECT_TRUE(jobs.complete(context, 42));
    ASSERT_TRUE(run("ROLLBACK"));
    EXPECT_EQ(test::must(provider().find(id)).state, JobState::processing);

    ASSERT_TRUE(run("BEGIN"));
    ASSERT_TRUE(run("INSERT INTO orders VALUES(1)"));
    EXPECT_TRUE(jobs.complete(context, 42));
    ASSERT_TRUE(run("COMMIT"));
    const JobRecord ended = test::must(provider().find(id));
    EXPECT_EQ(ended.state, JobState::completed);
    EXPECT_EQ(ended.result, "42");
    EXPECT_EQ(orders_there(), 1);

    ASSERT_TRUE(run("BEGIN"));
    EXPECT_EQ(jobs.complete(context).error().code(), Errc::conflict);
}

TEST_F(TransactionTest, WhoLostTheJobCannotCompleteIt) {
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob lost = take();
    test::must(settle(lost, Released{}));
    const ReceivedJob now = take();
    QuietHost host;
    const Context late(lost, 1, {}, host);
    PostgresTransaction jobs(own());

    ASSERT_TRUE(run("BEGIN"));
    const auto refused = jobs.complete(late);
    ASSERT_TRUE(run("ROLLBACK"));

    EXPECT_EQ(refused.error().code(), Errc::conflict);
    EXPECT_TRUE(settle(now, Completed{}));
}

TEST_F(TransactionTest, OneOfSeveralRunsCannotCompleteTheJob) {
    enqueue(job("1", {.runs = 2}));
    const ReceivedJob got = take();
    QuietHost host;
    const Context context(got, 1, {}, host);
    ASSERT_TRUE(run("BEGIN"));

    EXPECT_EQ(PostgresTransaction(own()).complete(context).error().code(), Errc::unsupported);
}

}  // namespace
}  // namespace tranter::postgres_jobs
