#include "postgres_jobs/test_provider.hpp"

#include <tranter/payload.hpp>

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

/// Whatever people or other programs may say is a parameter, never a part of a statement.
class HostileTextTest : public test::ProviderInDatabase {
  public:
    static std::vector<std::string> texts() {
        return {
            "'; DROP TABLE tranter.jobs; --",
            "\"; DROP TABLE tranter.jobs; --",
            "$$; DROP TABLE tranter.jobs; $$",
            "\\'; DROP TABLE tranter.jobs; --",
            "' OR '1' = '1",
            "{\"a\",\"b\"}",
            "{}",
            "\",\"",
            "NULL",
            "\\",
            "\\\"",
            "%s %I %L %1$s %",
            "$1",
            ":name",
            "E'\\x27'",
            "x\xCC\x88\xE2\x80\xAE\xF0\x9F\x92\xA3",
            "_%",
            "U&\"\\0027\""};
    }
    static std::string quoted(const std::string& text) { return test::must(to_json(text)); }

    void expect_all_is_there() {
        EXPECT_EQ(
            number("SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'tranter' "
                   "AND tablename IN ('jobs', 'queues', 'finished_jobs')"),
            3
        );
    }
};

TEST_F(HostileTextTest, ComesBackAsItWasEnqueued) {
    for (const std::string& text : texts()) {
        NewJob one = job(quoted(text));
        one.options = {.group = text, .tags = {text, "tag=" + text}, .dedup = Dedup{.key = text}};
        enqueue_all({one});

        const ReceivedJob got = take();

        EXPECT_EQ(got.payload, one.payload);
        EXPECT_EQ(got.options, one.options) << text;
        EXPECT_EQ(test::must(provider().find(got.id)).options, one.options);
        const auto again = test::must(provider().enqueue("q", {&one, 1}));
        EXPECT_EQ(again.front().duplicate_of, got.id) << text;
        test::must(settle(got, Completed{.result = quoted(text)}));
        EXPECT_EQ(test::must(provider().find(got.id)).result, quoted(text));
    }
    expect_all_is_there();
}

TEST_F(HostileTextTest, ComesBackAsItWasEnqueuedFromSql) {
    for (const std::string& text : texts()) {
        const std::string json = quoted(text);
        const std::string options = R"({"group": )" + json + R"(, "tags": [)" + json +
                                    R"(], "dedup": {"key": )" + json + "}}";
        const std::array<postgres::Parameter, 2> parameters{json, options};
        const auto rows =
            database().query("SELECT tranter.enqueue('q', 'test.job', $1, $2)", parameters);

        const JobRecord got = test::must(provider().find(rows.text(0, 0)));

        EXPECT_EQ(test::must(from_json<std::string>(got.payload)), text);
        EXPECT_EQ(got.options.group, text);
        EXPECT_THAT(got.options.tags, testing::ElementsAre(text));
        EXPECT_EQ(got.options.dedup, Dedup{.key = text});
    }
    expect_all_is_there();
}

TEST_F(HostileTextTest, IsNoNameOfAQueueTypeOptionOrJob) {
    const NewJob good = job("1");
    for (const std::string& text : texts()) {
        const auto expect_refused = [&](const char* sql) {
            const std::array<postgres::Parameter, 1> parameters{text};
            EXPECT_THROW(database().query(sql, parameters), postgres::DatabaseError)
                << sql << " " << text;
        };
        expect_refused(
            "SELECT tranter.enqueue('q', 'test.job', '1', jsonb_build_object($1::text, 1))"
        );
        expect_refused(
            "SELECT tranter.enqueue('q', 'test.job', '1', jsonb_build_object('id', $1::text))"
        );
        if (text == "NULL") continue;  // a name as any other
        EXPECT_FALSE(provider().enqueue(text, {&good, 1})) << text;
        expect_refused("SELECT tranter.enqueue($1, 'test.job')");
        if (text == ":name") continue;  // a type
        NewJob bad = good;
        bad.type = text;
        EXPECT_FALSE(provider().enqueue("q", {&bad, 1})) << text;
        expect_refused("SELECT tranter.enqueue('q', $1)");
    }
    expect_all_is_there();
}

TEST_F(HostileTextTest, IsTheNameOfAWorkerAndTheReasonOfADeath) {
    for (const std::string& text : texts()) {
        const std::string id = enqueue(job("1"));
        auto got = test::must(provider().receive(
            {.queue = "q", .wait = std::chrono::seconds(60), .worker = text, .worker_version = text}
        ));
        ASSERT_EQ(got.size(), 1U) << text;
        const std::vector<std::string> lines{text};
        test::must(provider().append_log("q", got.front().receipt, lines));
        test::must(provider().set_progress("q", got.front().receipt, quoted(text)));
        test::must(provider().save_step("q", got.front().receipt, {text, quoted(text)}));
        test::must(settle(got.front(), Dead{.type = text, .reason = text}));

        const JobRecord dead = test::must(provider().find(id));

        EXPECT_EQ(dead.state, JobState::dead);
        EXPECT_EQ(dead.worker, text);
        EXPECT_EQ(dead.reason, text);
        EXPECT_EQ(dead.progress, quoted(text));
        ASSERT_EQ(dead.failures.size(), 1U);
        EXPECT_EQ(dead.failures.front().text, text);
        EXPECT_EQ(test::must(provider().log_of(id)).lines, lines);
    }
    expect_all_is_there();
}

TEST_F(HostileTextTest, FindsWhatItSaysAndNothingElse) {
    const std::string other = enqueue(job("\"elsewhere\"", {.group = "other"}));
    for (const std::string& text : texts()) {
        const std::string id = enqueue(job("2", {.group = text, .tags = {text}}));
        for (const std::string& filter :
             {"group:" + quoted(text),
              "tag:" + quoted(text),
              "queue:" + quoted(text),
              "type:" + quoted(text),
              "args.x:" + quoted(text),
              quoted(text)}) {
            const auto page = provider().list({.filter = filter});
            if (!page) continue;  // not everything is a filter
            for (const JobRecord& found : page->jobs)
                EXPECT_NE(found.id, other) << filter;
        }
        for (const auto& answer : {provider().find(text)})
            EXPECT_FALSE(answer) << text;
        EXPECT_FALSE(provider().list({.cursor = text})) << text;
        EXPECT_FALSE(provider().stats(text)) << text;
        test::must(provider().cancel(id));
    }
    expect_all_is_there();
}

}  // namespace
}  // namespace tranter::postgres_jobs
