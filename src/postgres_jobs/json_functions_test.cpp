#include "jobs/time_text.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

namespace tranter::postgres_jobs {
namespace {

using postgres::DatabaseError;
using postgres::Parameter;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

/// tranter.enqueue and its like, as other languages call them.
class EnqueueFromSqlTest : public test::ProviderInDatabase {
  public:
    std::string call(
        std::string_view options,
        std::string_view type = "test.job",
        std::string_view payload = "1",
        std::string_view queue = "q"
    ) {
        const std::array<Parameter, 4> parameters{
            std::string(queue), std::string(type), std::string(payload), std::string(options)};
        return std::string(
            database().query("SELECT tranter.enqueue($1, $2, $3, $4)", parameters).text(0, 0)
        );
    }
    JobRecord enqueued_with(std::string_view options) {
        return test::must(provider().find(call(options)));
    }
    postgres::Rows call_many(std::string_view jobs) {
        const std::array<Parameter, 1> parameters{std::string(jobs)};
        return database().query("SELECT tranter.enqueue_many('q', $1)", parameters);
    }
    /// What it says.
    template <class Call>
    static std::string refusal_of(Call refused) {
        try {
            refused();
        } catch (const DatabaseError& error) {
            return error.what();
        }
        return "nothing was refused";
    }
    std::string refusal_of_options(std::string_view options) {
        return refusal_of([&] { call(options); });
    }
    std::int64_t jobs_there() { return number("SELECT count(*) FROM tranter.jobs"); }
};

TEST_F(EnqueueFromSqlTest, HandsTheJobToAWorker) {
    const std::string id = text("SELECT tranter.enqueue('q', 'mail.welcome', '{\"user\": 42}')");

    const ReceivedJob got = take();

    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.type, "mail.welcome");
    EXPECT_EQ(got.payload, "{\"user\": 42}");
    EXPECT_EQ(got.options, JobOptions{});
}

TEST_F(EnqueueFromSqlTest, APayloadMayBeLeftOut) {
    text("SELECT tranter.enqueue('q', 'tick')");
    call_many(R"([{"type": "tick"}])");

    EXPECT_EQ(take().payload, "null");
    EXPECT_EQ(take().payload, "null");
}

TEST_F(EnqueueFromSqlTest, IsPartOfTheTransaction) {
    database().run("BEGIN; SELECT tranter.enqueue('q', 'undone'); ROLLBACK");
    EXPECT_EQ(jobs_there(), 0);

    database().run("BEGIN; SELECT tranter.enqueue('q', 'done')");
    database().run("COMMIT");
    EXPECT_EQ(take().type, "done");
}

TEST_F(EnqueueFromSqlTest, EveryOptionArrives) {
    const JobRecord got = enqueued_with(R"json({
        "priority": 2, "group": "acme \"1\"", "timeout": "1.5 minutes", "ttl": "3h",
        "deadline": "2099-01-31T09:00:00.25+01:00", "tags": ["customer=42", "urgent", "ét"],
        "retry": {"max_attempts": 7, "base": "1500ms", "factor": 1.5, "max": "20m",
            "jitter": 0.125},
        "dedup": {"key": "k-1", "mode": "throttle", "ttl": "7m"}, "runs": 10,
        "max_parallel_runs": 3, "success": "at_least(4)",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "a=b"})json");

    using std::chrono::year;
    const TimePoint deadline =
        std::chrono::sys_days(year(2099) / 1 / 31) + hours(8) + milliseconds(250);
    const JobOptions expected{
        .priority = 2,
        .group = "acme \"1\"",
        .retry =
            {.max_attempts = 7,
             .base = milliseconds(1500),
             .factor = 1.5,
             .max = minutes(20),
             .jitter = 0.125},
        .timeout = seconds(90),
        .ttl = hours(3),
        .deadline = deadline,
        .tags = {"customer=42", "urgent", "\xC3\xA9t"},
        .dedup = Dedup{.key = "k-1", .mode = DedupMode::throttle, .ttl = minutes(7)},
        .runs = 10,
        .max_parallel_runs = 3,
        .success = SuccessPolicy::at_least(4),
        .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        .tracestate = "a=b"};
    EXPECT_EQ(got.options, expected);
    EXPECT_EQ(got.state, JobState::pending);
}

TEST_F(EnqueueFromSqlTest, WhatSaysNothingIsTheDefault) {
    for (const char* options :
         {"{}",
          R"({"group": null, "tags": null, "delay": null})",
          R"({"group": "", "tags": [], "retry": {}, "ttl": "0s", "delay": "0s"})"}) {
        const JobRecord got = enqueued_with(options);
        EXPECT_EQ(got.options, JobOptions{}) << options;
        EXPECT_EQ(got.state, JobState::pending) << options;
    }
    EXPECT_EQ(number("SELECT count(*) FROM tranter.queues WHERE grouped OR keeps_latest"), 0);
}

TEST_F(EnqueueFromSqlTest, ADelayCountsFromTheCall) {
    const JobRecord delayed = enqueued_with(R"({"delay": "2h"})");
    const JobRecord dated = enqueued_with(R"({"run_at": "2099-12-31T23:59:59.999999Z"})");
    const JobRecord late = enqueued_with(R"({"run_at": "1970-01-01T00:00:00Z"})");

    EXPECT_EQ(delayed.state, JobState::scheduled);
    EXPECT_EQ(delayed.run_at, delayed.created_at + hours(2));
    ASSERT_TRUE(dated.run_at.has_value());
    const auto shown = jobs::time_text(
        dated.run_at.value_or(TimePoint()).time_since_epoch().count(), {.num = 1, .den = 1'000'000}
    );
    EXPECT_EQ(test::must(shown), "2099-12-31T23:59:59.999999Z");
    EXPECT_EQ(late.state, JobState::pending);
}

TEST_F(EnqueueFromSqlTest, ADuplicateIsAnsweredWithTheJobThatIsThere) {
    const std::string first = call(R"({"dedup": {"key": "k"}})");
    EXPECT_EQ(call(R"({"dedup": {"key": "k"}})"), first);

    const std::string id = "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0001";
    EXPECT_EQ(call(R"({"id": "0B0E6A3C-7C3C-4D4F-9F0E-5A2F1F0D0001"})"), id);
    EXPECT_EQ(call(R"({"id": "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0001"})"), id);
    EXPECT_EQ(jobs_there(), 2);
}

TEST_F(EnqueueFromSqlTest, ManyAreAnsweredInOrder) {
    const auto rows = call_many(R"([
        {"type": "a", "payload": 0}, {"type": "b", "payload": "x", "group": "g"},
        {"type": "c", "payload": [2], "delay": "1h"},
        {"type": "d", "payload": {"n": 3}, "dedup": {"key": "k"}},
        {"type": "e", "payload": 4, "dedup": {"key": "k"}}, {"type": "f"}])");

    ASSERT_EQ(rows.size(), 6U);
    const std::array<std::string_view, 6> payloads{"0", "\"x\"", "[2]", R"({"n": 3})", "", "null"};
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const JobRecord got = test::must(provider().find(rows.text(row, 0)));
        if (row == 4) continue;
        EXPECT_EQ(got.type, std::string(1, static_cast<char>('a' + row)));
        EXPECT_EQ(got.payload, payloads.at(row));
    }
    EXPECT_EQ(rows.text(4, 0), rows.text(3, 0));
    EXPECT_EQ(test::must(provider().find(rows.text(1, 0))).options.group, "g");
    EXPECT_EQ(test::must(provider().find(rows.text(2, 0))).state, JobState::scheduled);
    EXPECT_EQ(number("SELECT count(*) FROM tranter.jobs WHERE job_group <> ''"), 1);
}

TEST_F(EnqueueFromSqlTest, PayloadsThatStandBesideTheJobsStayAsTheyAre) {
    const auto rows = database().query(
        R"sql(SELECT id, is_duplicate FROM tranter.enqueue_answered(
            'q', '[{"type": "a"}, {"type": "b", "delay": "1h"}]',
            ARRAY['{"z": 1.0,  "a": "\u0000"}', '[ ]']::json[]))sql"
    );

    EXPECT_EQ(
        test::must(provider().find(rows.text(0, 0))).payload, R"({"z": 1.0,  "a": "\u0000"})"
    );
    EXPECT_EQ(test::must(provider().find(rows.text(1, 0))).payload, "[ ]");
    EXPECT_FALSE(rows.boolean(0, 1));
}

TEST_F(EnqueueFromSqlTest, IdsBeginWithTheTime) {
    const std::string id = call("{}");

    EXPECT_EQ(id.at(14), '7');
    EXPECT_THAT(std::string("89ab"), HasSubstr(id.substr(19, 1)));
    EXPECT_EQ(
        number(
            "SELECT count(*) FROM tranter.jobs WHERE abs(extract(epoch FROM created_at) * 1000 - "
            "('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint) < 60000"
        ),
        1
    );
}

TEST_F(EnqueueFromSqlTest, UnknownOptionsAreNamedWithTheNearest) {
    EXPECT_EQ(
        refusal_of_options(R"({"dealy": "5m"})"),
        R"(options has the unknown member "dealy" (did you mean delay?))"
    );
    EXPECT_EQ(
        refusal_of_options(R"({"retry": {"max_atempts": 5}})"),
        R"(retry has the unknown member "max_atempts" (did you mean max_attempts?))"
    );
    EXPECT_THAT(
        refusal_of_options(R"({"x": 1})"),
        HasSubstr(R"("x", known are id, delay, run_at, priority)")
    );
}

TEST_F(EnqueueFromSqlTest, ATimeIsExactToItsMicrosecond) {
    EXPECT_EQ(
        number("SELECT tranter.moment_of('', 'run_at', '\"9999-12-31T23:59:59.999999Z\"')"),
        253'402'300'799'999'999
    );
    EXPECT_EQ(
        number("SELECT tranter.moment_of('', 'run_at', '\"1970-01-01T01:00:00.000001+01:00\"')"), 1
    );
}

TEST_F(EnqueueFromSqlTest, WhatNobodyCouldMeanIsRefused) {
    struct Wrong {
        std::string_view options;
        std::string_view why;
    };
    constexpr auto wrong = std::to_array<Wrong>({
        {R"([])", "options is [], it must be an object"},
        {R"("x")", "it must be an object"},
        {R"({"id": "x"})", R"(id is "x", it must be a UUID)"},
        {R"({"id": 5})", "id is 5, it must be a UUID"},
        {R"({"priority": 10})", "priority is 10, it must be a whole number from 0 to 9"},
        {R"({"priority": -1})", "priority is -1"},
        {R"({"priority": 1.5})", "priority is 1.5"},
        {R"({"priority": "1"})", R"(priority is "1")"},
        {R"({"priority": 1e30})", "priority is 1000000000000000000000000000000"},
        {R"({"group": 5})", "group is 5, it must be text"},
        {R"({"group": "a\nb"})", "without control characters"},
        {R"({"delay": 5})", R"(delay is 5, it must be text with a number and a unit, like "30s")"},
        {R"({"delay": "5"})", R"(delay is "5")"},
        {R"({"delay": "-5s"})", R"(delay is "-5s")"},
        {R"({"delay": "5 parsecs"})", "a number and a unit"},
        {R"({"delay": "1.5ms"})", "a number and a unit"},
        {R"({"delay": "3651d"})", "limit is 3650d"},
        {R"({"delay": "999999999999999d"})", "limit is 3650d"},
        {R"({"delay": "1s", "run_at": "2099-01-01T00:00:00Z"})", "exclude each other"},
        {R"({"run_at": "2099-02-30T00:00:00Z"})", "it must be a time from 1970 on"},
        {R"({"run_at": "2099-13-01T00:00:00Z"})", "it must be a time"},
        {R"({"run_at": "2099-01-01"})", "it must be a time"},
        {R"({"run_at": "2099-01-01T24:00:00Z"})", "it must be a time"},
        {R"({"run_at": "2099-01-01T00:00:00"})", "it must be a time"},
        {R"({"run_at": "tomorrow"})", "it must be a time"},
        {R"({"run_at": "1969-12-31T23:59:59Z"})", "it must be a time"},
        {R"({"run_at": "9999-12-31T23:59:59-00:01"})", "before the year 10000"},
        {R"({"dedup": {"key": "tranter.row:x"}})", "only rows of adopted tables"},
        {R"({"delay": "2s", "ttl": "1s"})", "delay is 2s, it must be below ttl, which is 1s"},
        {R"({"run_at": "2099-01-01T00:00:00Z", "deadline": "2098-01-01T00:00:00Z"})",
         "run_at is not before deadline"},
        {R"({"timeout": "0s"})", "timeout is no time to work"},
        {R"({"retry": 5})", "retry is 5, it must be an object"},
        {R"({"retry": {"max_attempts": 0}})", "retry.max_attempts is 0"},
        {R"({"retry": {"max_attempts": 4294967296}})", "retry.max_attempts is 4294967296"},
        {R"({"retry": {"factor": 0.5}})", "retry.factor is 0.5"},
        {R"({"retry": {"factor": 1e400}})", "retry.factor is 1000000"},
        {R"({"retry": {"jitter": 1.1}})", "retry.jitter is 1.1"},
        {R"({"retry": {"base": "2h"}})", "retry.max is 3600s, which is below retry.base, 7200s"},
        {R"({"tags": "a"})", R"(tags is "a", it must be an array)"},
        {R"({"tags": [""]})", "tag is empty"},
        {R"({"tags": [1]})", "tag is 1, it must be text"},
        {R"({"tags": ["1","2","3","4","5","6","7","8","9","0","1","2","3","4","5","6","7"]})",
         "tags are 17, limit is 16"},
        {R"({"dedup": {}})", "dedup.key is empty"},
        {R"({"dedup": {"key": "k", "mode": "often"}})", R"(dedup.mode is "often", it must be)"},
        {R"({"dedup": {"key": "k", "mode": "throttle"}})", "throttle needs the time"},
        {R"({"dedup": {"key": "k", "ttl": "1s"}})", "only throttle and debounce have one"},
        {R"({"runs": 0})", "runs is 0"},
        {R"({"runs": 1001})", "runs is 1001"},
        {R"({"runs": 2, "max_parallel_runs": 3})", "max_parallel_runs is 3"},
        {R"json({"runs": 2, "success": "at_least(3)"})json",
         R"json(success is "at_least(3)", it must be all)json"},
        {R"({"success": "most"})", R"(success is "most")"},
        {R"({"traceparent": "x"})", R"(traceparent is "x")"},
        {R"({"tracestate": "a=b"})", "it needs a traceparent"},
    });
    for (const Wrong& one : wrong) {
        EXPECT_THAT(refusal_of_options(one.options), HasSubstr(std::string(one.why)))
            << one.options;
    }
    const auto key = [](std::size_t bytes) {
        return R"({"dedup": {"key": ")" + std::string(bytes, 'k') + R"("}})";
    };
    EXPECT_THAT(refusal_of_options(key(256)), HasSubstr("dedup.key is 256 bytes, limit is 255"));
    EXPECT_EQ(jobs_there(), 0);
    call(key(255));
}

TEST_F(EnqueueFromSqlTest, NamesAndPayloadsThatNobodyCanHaveAreRefused) {
    const auto refusal = [&](std::string_view type, std::string_view queue) {
        return refusal_of([&] { call("{}", type, "1", queue); });
    };
    EXPECT_THAT(refusal("", "q"), HasSubstr(R"(type is "", it must be 1 to 128 letters)"));
    EXPECT_THAT(refusal("a b", "q"), HasSubstr(R"(type is "a b")"));
    EXPECT_THAT(refusal("__x", "q"), HasSubstr("are reserved"));
    EXPECT_THAT(refusal(std::string(129, 't'), "q"), HasSubstr("it must be 1 to 128"));
    EXPECT_THAT(refusal("t", ""), HasSubstr("queue name is"));
    EXPECT_THAT(refusal("t", "a.fifo"), HasSubstr(R"(queue name is "a.fifo", it must be 1 to 76)"));
    EXPECT_THAT(refusal("t", std::string(77, 'q')), HasSubstr("it must be 1 to 76"));
    const std::string large = '"' + std::string(payload_bytes_max, 'x') + '"';
    EXPECT_THAT(
        refusal_of([&] { call("{}", "t", large); }),
        HasSubstr("payload is 1048578 bytes, limit is 1048576")
    );
    EXPECT_EQ(number("SELECT count(*) FROM tranter.queues"), 0);
}

TEST_F(EnqueueFromSqlTest, OfManyTheWrongOneIsNamedAndNoneIsThere) {
    const auto refusal = [&](std::string_view jobs) {
        return refusal_of([&] { call_many(jobs); });
    };
    EXPECT_EQ(
        refusal(R"([{"type": "a"}, {"type": "b", "priority": 11}])"),
        "job 2 of 2: priority is 11, it must be a whole number from 0 to 9"
    );
    EXPECT_THAT(refusal(R"([{"type": "a"}, 5])"), HasSubstr("job 2 of 2: it must be an object"));
    EXPECT_THAT(refusal(R"([{"payload": 1}])"), HasSubstr("type is null"));
    EXPECT_THAT(refusal(R"({"type": "a"})"), HasSubstr("jobs must be an array"));
    EXPECT_EQ(jobs_there(), 0);
}

TEST_F(EnqueueFromSqlTest, AFullGroupRefusesTheTransaction) {
    enqueue(job("0"));
    test::must(provider().set_limits("q", {.max_queued_per_group = 1}));
    call(R"({"group": "a"})");

    EXPECT_THAT(
        refusal_of_options(R"({"group": "a"})"),
        HasSubstr("group a would have 2 queued messages, limit is 1")
    );
    EXPECT_EQ(jobs_there(), 2);
}

TEST_F(EnqueueFromSqlTest, AProducerNeedsNoRightToAnyTable) {
    database().run(
        "CREATE ROLE shop LOGIN; GRANT USAGE ON SCHEMA tranter TO shop;"
        "GRANT EXECUTE ON FUNCTION tranter.enqueue, tranter.enqueue_many TO shop;"
        "SET ROLE shop"
    );

    call(R"({"group": "g", "dedup": {"key": "k"}})", "one");
    call_many(R"([{"type": "two"}, {"type": "three", "delay": "1h"}])");
    EXPECT_THAT(
        refusal_of([&] { database().run("SELECT * FROM tranter.jobs"); }),
        HasSubstr("permission denied")
    );
    EXPECT_THAT(
        refusal_of([&] { database().run("SELECT tranter.queue_of('mine')"); }),
        HasSubstr("permission denied")
    );
    database().run("RESET ROLE; DROP OWNED BY shop; DROP ROLE shop");

    EXPECT_EQ(receive(10).size(), 2U);
}

}  // namespace
}  // namespace tranter::postgres_jobs
