#include "postgres/pool.hpp"

#include "postgres/test_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace tranter::postgres {
namespace {

using testing::HasSubstr;

constexpr Statement number_plus_one("SELECT $1::bigint + 1");
constexpr Statement insert_number("INSERT INTO public.numbers VALUES($1)");
constexpr Statement all_numbers("SELECT * FROM public.numbers ORDER BY 1");
constexpr Statement own_pid("SELECT pg_backend_pid()");
constexpr Statement end_session("SELECT pg_terminate_backend($1)");

class PoolTest : public testing::Test {
  public:
    PoolTest() { other_.run("CREATE TABLE public.numbers(n bigint PRIMARY KEY)"); }

    std::size_t count() { return other_.execute(all_numbers).size(); }
    static std::array<Parameter, 1> number(std::int64_t value) {
        return {fmt::format("{}", value)};
    }
    static Result<> insert(Connection& connection, std::int64_t value) {
        connection.execute(insert_number, number(value));
        return {};
    }
    /// From outside, as an administrator or a crash does.
    void end_of(Connection& connection) {
        const auto pid = connection.execute(own_pid).integer(0, 0);
        other_.execute(end_session, number(pid));
        while (!other_.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", number(pid)).empty())
            std::this_thread::yield();
    }

    const Target target_ = parse_target(test::server().new_database()).value();
    Connection other_{target_};
    Pool pool_{target_, "the store of numbers"};
};

TEST_F(PoolTest, AStatementIsParsedOnceByEachConnection) {
    Connection connection(target_);
    for (std::int64_t i = 0; i < 3; ++i)
        EXPECT_EQ(connection.execute(number_plus_one, number(i)).integer(0, 0), i + 1);

    const Rows known = connection.query(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%bigint + 1'"
    );
    EXPECT_EQ(known.integer(0, 0), 1);
}

TEST_F(PoolTest, AStatementWhoseTablesHaveChangedIsParsedAgain) {
    const auto columns = [&] {
        return pool_.read([](Connection& connection) -> Result<std::string> {
            const Rows rows = connection.execute(all_numbers);
            return std::string(rows.text(0, 0));
        });
    };
    other_.run("INSERT INTO public.numbers VALUES(1)");
    EXPECT_EQ(columns().value(), "1");

    other_.run("ALTER TABLE public.numbers ALTER n TYPE text USING 'one'");

    EXPECT_EQ(columns().value(), "one");
}

TEST_F(PoolTest, WhatOthersHavePutIntoPublicIsNotFound) {
    other_.run("CREATE FUNCTION public.only_here() RETURNS integer LANGUAGE sql AS 'SELECT 1'");
    Connection connection(target_);

    EXPECT_THROW(connection.query("SELECT only_here()"), DatabaseError);
    EXPECT_EQ(connection.query("SHOW search_path").text(0, 0), "pg_catalog, pg_temp");
}

TEST_F(PoolTest, CallsThatGoTogetherAreDoneOrNotTogether) {
    Connection connection(target_);
    const std::array<Call, 3> twice_two{{
        {.statement = &insert_number, .parameters = {"1"}},
        {.statement = &insert_number, .parameters = {"2"}},
        {.statement = &insert_number, .parameters = {"2"}},
    }};

    EXPECT_THROW(connection.execute_all(twice_two), DatabaseError);
    EXPECT_EQ(count(), 0U);

    const auto good = std::span(twice_two).first(2);
    EXPECT_EQ(connection.execute_all(good).size(), 2U);
    EXPECT_EQ(count(), 2U);
}

/// Refuses the number 3, but only when it is to be kept.
constexpr const char* refusal_at_the_end =
    "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION USING ERRCODE = '22021'; END $$;"
    "CREATE CONSTRAINT TRIGGER refusal AFTER INSERT ON public.numbers DEFERRABLE INITIALLY "
    "DEFERRED "
    "FOR EACH ROW WHEN (NEW.n = 3) EXECUTE FUNCTION public.refuse()";

TEST_F(PoolTest, CallsThatGoTogetherAreDoneOnlyOnceTheyAreKept) {
    other_.run(refusal_at_the_end);
    Connection connection(target_);
    const std::array<Call, 2> calls{{
        {.statement = &insert_number, .parameters = {"1"}},
        {.statement = &insert_number, .parameters = {"3"}},
    }};

    EXPECT_THROW(connection.execute_all(calls), DatabaseError);

    EXPECT_EQ(count(), 0U);
    EXPECT_EQ(connection.execute(number_plus_one, number(1)).integer(0, 0), 2);
}

TEST_F(PoolTest, ACallIsDoneOnlyOnceItIsKept) {
    other_.run(refusal_at_the_end);
    Connection connection(target_);
    connection.execute(insert_number, number(1));

    Trouble trouble = Trouble::bad_value;
    try {
        connection.execute(insert_number, number(3));
        ADD_FAILURE() << "it said that it was done";
    } catch (const DatabaseError& error) {
        trouble = error.trouble();
    }

    EXPECT_EQ(trouble, Trouble::other) << "no value is to blame";
    EXPECT_EQ(count(), 1U);
    EXPECT_EQ(connection.execute(number_plus_one, number(1)).integer(0, 0), 2);
}

TEST_F(PoolTest, ATransactionIsDoneOnlyOnceItIsKept) {
    other_.run(refusal_at_the_end);
    Connection connection(target_);
    connection.begin();
    connection.execute(insert_number, number(3));

    EXPECT_THROW(connection.commit(), DatabaseError);

    EXPECT_EQ(count(), 0U);
}

TEST_F(PoolTest, ManyLargeCallsAndAnswersDoNotWaitForEachOther) {
    constexpr Statement echo("SELECT $1::text");
    Connection connection(target_);
    const std::string large(1'000'000, 'x');
    const std::vector<Call> calls(20, Call{.statement = &echo, .parameters = {large}});

    const auto answers = connection.execute_all(calls);

    ASSERT_EQ(answers.size(), calls.size());
    for (const Rows& rows : answers)
        EXPECT_EQ(rows.text(0, 0), large);
}

TEST_F(PoolTest, ATextWithAZeroByteIsRefusedAndTheConnectionGoesOn) {
    Connection connection(target_);
    const std::array<Parameter, 1> bad{std::string("1\0", 2)};

    EXPECT_THROW(connection.execute(insert_number, bad), DatabaseError);

    EXPECT_EQ(connection.execute(number_plus_one, number(1)).integer(0, 0), 2);
}

TEST_F(PoolTest, AnErrorUndoesWhatWasWritten) {
    const auto refused = pool_.write([](Connection& connection) -> Result<> {
        (void)insert(connection, 1);
        return fail(Errc::conflict, "not so");
    });
    EXPECT_EQ(refused.error().code(), Errc::conflict);
    EXPECT_EQ(count(), 0U);

    const auto wrong = pool_.write([](Connection& connection) -> Result<> {
        (void)insert(connection, 1);
        connection.run("SELECT 1 / 0");
        return {};
    });
    EXPECT_THAT(wrong.error().message(), HasSubstr("the store of numbers"));
    EXPECT_EQ(count(), 0U);

    EXPECT_TRUE(pool_.write([](Connection& connection) { return insert(connection, 1); }));
    EXPECT_EQ(count(), 1U);
}

TEST_F(PoolTest, ALimitOfTheServerIsNoFullDisk) {
    const auto done = pool_.write([](Connection& connection) -> Result<> {
        connection.run("SET LOCAL temp_file_limit = '64kB'; SET LOCAL work_mem = '64kB'");
        connection.run("SELECT count(*) FROM generate_series(1, 100000)");
        return {};
    });

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::limit_exceeded);
    EXPECT_THAT(done.error().message(), HasSubstr("temp_file_limit"));
}

TEST_F(PoolTest, ASwallowedFailureIsNoCommit) {
    const auto lost = pool_.write([](Connection& connection) -> Result<> {
        (void)insert(connection, 1);
        try {
            connection.run("SELECT 1 / 0");
        } catch (const DatabaseError&) {
            return {};
        }
        return {};
    });
    EXPECT_FALSE(lost);
    EXPECT_EQ(count(), 0U);
}

TEST_F(PoolTest, WhatIsCertainlyUndoneIsDoneAgain) {
    int calls = 0;
    const auto written = pool_.write([&](Connection& connection) {
        auto result = insert(connection, 1);
        if (++calls == 1) end_of(connection);
        connection.execute(number_plus_one, number(1));
        return result;
    });
    EXPECT_TRUE(written);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(count(), 1U);

    calls = 0;
    const auto read = pool_.read([&](Connection& connection) -> Result<std::int64_t> {
        if (++calls == 1) end_of(connection);
        return connection.execute(number_plus_one, number(1)).integer(0, 0);
    });
    EXPECT_EQ(read.value(), 2);
    EXPECT_EQ(calls, 2);
}

TEST_F(PoolTest, WhatMayHaveBeenDoneIsNotDoneAgain) {
    int calls = 0;
    const auto once = pool_.once([&](Connection& connection) -> Result<> {
        ++calls;
        end_of(connection);
        return insert(connection, 1);
    });
    EXPECT_EQ(once.error().code(), Errc::unavailable);
    EXPECT_EQ(calls, 1);
}

TEST_F(PoolTest, AConnectionThatTheServerEndedMeanwhileIsNotUsed) {
    (void)pool_.read([&](Connection& connection) -> Result<> {
        connection.execute(own_pid);
        end_of(connection);
        return {};
    });
    int calls = 0;
    EXPECT_TRUE(pool_.once([&](Connection& connection) {
        ++calls;
        return insert(connection, 1);
    }));
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(count(), 1U);
}

TEST_F(PoolTest, MoreThreadsThanConnectionsTakeTurns) {
    Pool pool(target_, "the store of numbers", 2);
    const auto insert_twenty = [&](std::int64_t from) {
        for (std::int64_t number = from; number < from + 20; ++number) {
            EXPECT_TRUE(pool.write([&](Connection& connection) {
                return insert(connection, number);
            }));
        }
    };
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < 8; ++i)
        threads.emplace_back(insert_twenty, i * 20);
    threads.clear();

    EXPECT_EQ(count(), 160U);
    const Rows sessions = other_.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        "pg_backend_pid()"
    );
    EXPECT_LE(sessions.integer(0, 0), 2);
}

TEST_F(PoolTest, AServerThatSaysNothingIsGivenUpUnlessThatWasToBeExpected) {
    Connection connection(target_);
    connection.set_silence_max(std::chrono::seconds(1));
    {
        const Patience patience(connection, std::chrono::hours(1));
        connection.query("SELECT pg_sleep(1.5)");
    }

    EXPECT_THROW(connection.query("SELECT pg_sleep(25)"), DatabaseError);
    EXPECT_FALSE(connection.is_alive());
}

TEST_F(PoolTest, SettingsOfTheSessionAreOurs) {
    other_.run("ALTER ROLE tranter SET synchronous_commit = off");
    Connection connection(target_);
    other_.run("ALTER ROLE tranter RESET synchronous_commit");

    EXPECT_EQ(connection.query("SHOW synchronous_commit").text(0, 0), "on");
    EXPECT_EQ(connection.query("SHOW statement_timeout").text(0, 0), "30s");
    EXPECT_FALSE(connection.is_pooled());
}

}  // namespace
}  // namespace tranter::postgres
