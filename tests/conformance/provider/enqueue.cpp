// Enqueueing: order, ids, what travels with a job, refusals.
#include "fixture.hpp"

#include <algorithm>
#include <regex>
#include <set>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::UnorderedElementsAreArray;

class EnqueueTest : public ProviderTest {
  public:
    static std::vector<NewJob> numbered(int count) {
        std::vector<NewJob> jobs;
        for (int i = 0; i < count; ++i)
            jobs.push_back(job(std::to_string(i)));
        return jobs;
    }

    /// Refused, and nothing of the call was enqueued.
    void expect_refused(const std::vector<NewJob>& jobs, Errc code, std::string_view why) {
        const auto answer = try_enqueue(jobs);

        ASSERT_FALSE(answer) << why;
        EXPECT_EQ(answer.error().code(), code) << why << ": " << message_of(answer);
        EXPECT_FALSE(message_of(answer).empty());
        const auto left = store().receive({.queue = queue(), .jobs_max = 10});
        EXPECT_TRUE(left ? left->empty() : code_of(left) == Errc::not_found) << why;
    }

    void expect_invalid(NewJob bad, std::string_view why) {
        expect_refused({job("\"good\""), std::move(bad)}, Errc::invalid_argument, why);
    }

    /// Everything that a job may have and this store can keep.
    JobOptions all_options() {
        JobOptions options{
            .group = "acme \"1\"",
            .retry =
                {.max_attempts = 7,
                 .base = milliseconds(1500),
                 .factor = 1.5,
                 .max = minutes(20),
                 .jitter = 0.125},
            .timeout = seconds(90),
            .tags = {"customer=42", "urgent", "\xC3\xA9t\xC3\xA9"},
            .runs = 10,
            .max_parallel_runs = 3,
            .success = SuccessPolicy::at_least(4)};
        if (can().priorities) options.priority = 2;
        if (can().ttl) {
            options.ttl = hours(3);
            options.deadline = std::chrono::floor<milliseconds>(now() + hours(2));
        }
        if (can().dedup)
            options.dedup = Dedup{.key = "k-1", .mode = DedupMode::throttle, .ttl = minutes(7)};
        return options;
    }
};
TRANTER_FOR_ALL_STORES(EnqueueTest);

TEST_P(EnqueueTest, HandsTheJobToAWorker) {
    const TimePoint before = now() - seconds(5);
    const std::string id = enqueue(job(R"({"user":42})"));

    const ReceivedJob got = take();

    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.queue, queue());
    EXPECT_EQ(got.type, "test.job");
    EXPECT_EQ(got.payload, R"({"user":42})");
    EXPECT_FALSE(got.receipt.empty());
    EXPECT_EQ(got.attempt, 1U);
    EXPECT_GE(got.created_at, before);
    EXPECT_LE(got.created_at, now() + seconds(5));
    EXPECT_GT(got.lease_until, before + seconds(25));
    EXPECT_LE(got.lease_until, now() + seconds(40));
    EXPECT_EQ(got.options, JobOptions{});
    EXPECT_TRUE(got.steps.empty());
}

TEST_P(EnqueueTest, MakesAUuidOfItsOwnForEachJob) {
    const auto answers = must(try_enqueue(numbered(5)));

    std::set<std::string> ids;
    const std::regex uuid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    for (const Enqueued& one : answers) {
        EXPECT_TRUE(std::regex_match(one.id, uuid)) << one.id;
        EXPECT_EQ(one.duplicate_of, "");
        ids.insert(one.id);
    }
    EXPECT_EQ(ids.size(), 5U);
}

TEST_P(EnqueueTest, AnswersInTheOrderOfTheCall) {
    const auto ids = enqueue_all(numbered(10));

    const auto jobs = take_many(10);

    ASSERT_EQ(ids.size(), 10U);
    for (const ReceivedJob& one : jobs)
        EXPECT_EQ(one.id, ids.at(std::stoul(one.payload)));
    EXPECT_THAT(ids_of(jobs), UnorderedElementsAreArray(ids));
}

TEST_P(EnqueueTest, HandsOutInTheOrderOfTheCall) {
    if (!can().look_up) GTEST_SKIP() << "standard queues of SQS promise no order";
    const auto ids = enqueue_all(numbered(100));

    EXPECT_THAT(ids_of(take_many(100)), ElementsAreArray(ids));
}

TEST_P(EnqueueTest, TakesNoJobsAsNoJobs) {
    const auto answers = try_enqueue({});

    ASSERT_TRUE(answers) << message_of(answers);
    EXPECT_TRUE(answers->empty());
}

TEST_P(EnqueueTest, TakesAsManyJobsAsItSays) {
    const auto count = static_cast<int>(std::min<std::size_t>(can().batch_max, 2'000));

    const auto ids = enqueue_all(numbered(count));

    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), static_cast<std::size_t>(count));
    EXPECT_THAT(ids_of(take_many(ids.size())), UnorderedElementsAreArray(ids));
}

TEST_P(EnqueueTest, RefusesMoreJobsThanAnyStoreTakes) {
    const auto answer = try_enqueue(std::vector<NewJob>(jobs_per_call_max + 1, job()));

    EXPECT_THAT(code_of(answer), testing::AnyOf(Errc::invalid_argument, Errc::limit_exceeded))
        << message_of(answer);
}

TEST_P(EnqueueTest, KeepsEveryOption) {
    const JobOptions options = all_options();
    const std::string id = enqueue(job("1", options));

    const ReceivedJob got = take();

    EXPECT_EQ(got.options.priority, options.priority);
    EXPECT_EQ(got.options.group, options.group);
    EXPECT_EQ(got.options.retry, options.retry);
    EXPECT_EQ(got.options.timeout, options.timeout);
    EXPECT_EQ(got.options.ttl, options.ttl);
    EXPECT_EQ(got.options.deadline, options.deadline);
    EXPECT_EQ(got.options.tags, options.tags);
    EXPECT_EQ(got.options.dedup, options.dedup);
    EXPECT_EQ(got.options.runs, options.runs);
    EXPECT_EQ(got.options.max_parallel_runs, options.max_parallel_runs);
    EXPECT_EQ(got.options.success, options.success);
    if (can().look_up) {
        EXPECT_EQ(find(id).options, options);
    }
}

TEST_P(EnqueueTest, KeepsTheIdItIsGiven) {
    TRANTER_NEEDS(look_up);
    const std::string id = new_id();
    NewJob named = job();
    named.id = id;
    ASSERT_EQ(code_of(store().find(id)), Errc::not_found);

    const auto answers = must(try_enqueue({named}));

    EXPECT_EQ(answers.front().id, id);
    EXPECT_EQ(answers.front().duplicate_of, "");
    EXPECT_EQ(find(id).id, id);
    EXPECT_EQ(take().id, id);
}

TEST_P(EnqueueTest, TakesAKnownIdAsTheSameJob) {
    TRANTER_NEEDS(look_up);
    NewJob named = job("1");
    named.id = enqueue(job("0"));

    const auto again = must(try_enqueue({named}));

    EXPECT_EQ(again.front().id, named.id);
    EXPECT_EQ(again.front().duplicate_of, named.id);
    const ReceivedJob got = take();
    EXPECT_EQ(got.payload, "0");
    EXPECT_TRUE(nothing_left());

    const auto running = must(try_enqueue({named}));
    EXPECT_EQ(running.front().duplicate_of, named.id);
    complete(got);
    EXPECT_TRUE(nothing_left());
}

TEST_P(EnqueueTest, TakesTheIdOfAFinishedJobAsTheSameJob) {
    TRANTER_NEEDS(history);
    NewJob named = job("1");
    named.id = enqueue(job("0"));
    complete(take());
    finished(named.id);

    const auto again = must(try_enqueue({named}));

    EXPECT_EQ(again.front().id, named.id);
    EXPECT_EQ(again.front().duplicate_of, named.id);
    EXPECT_TRUE(nothing_left());
}

TEST_P(EnqueueTest, TakesTheSameIdTwiceInOneCallAsOneJob) {
    TRANTER_NEEDS(look_up);
    NewJob named = job();
    named.id = new_id();

    const auto answers = must(try_enqueue({named, named}));

    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers.at(0).duplicate_of, "");
    EXPECT_EQ(answers.at(1).duplicate_of, named.id);
    take();
    EXPECT_TRUE(nothing_left());
}

TEST_P(EnqueueTest, RefusesAllWhenOneIsWrong) {
    NewJob unnamed = job();
    unnamed.type = "";
    NewJob reserved = job();
    reserved.type = "__reserved";
    NewJob spaced = job();
    spaced.type = "with space";
    NewJob foreign_id = job();
    foreign_id.id = "not-a-uuid";
    NewJob early = job();
    early.delay = milliseconds(-1);

    expect_invalid(unnamed, "no type");
    expect_invalid(reserved, "reserved type");
    expect_invalid(spaced, "type with a blank");
    expect_invalid(foreign_id, "id that is no UUID");
    expect_invalid(early, "negative delay");
    expect_invalid(job("1", {.priority = 10}), "priority");
    expect_invalid(job("1", {.priority = -1}), "priority");
    expect_invalid(job("1", {.group = std::string(group_bytes_max + 1, 'g')}), "group");
    expect_invalid(job("1", {.retry = {.max_attempts = 0}}), "max_attempts");
    expect_invalid(job("1", {.retry = {.factor = 0.5}}), "factor");
    expect_invalid(job("1", {.tags = std::vector<std::string>(tags_max + 1, "t")}), "tags");
    expect_invalid(job("1", {.tags = {std::string(tag_bytes_max + 1, 't')}}), "tag");
    expect_invalid(job("1", {.dedup = Dedup{.key = ""}}), "empty key");
    expect_invalid(
        job("1", {.dedup = Dedup{.key = std::string(dedup_key_bytes_max + 1, 'k')}}), "long key"
    );
    expect_invalid(job("1", {.runs = 0}), "runs");
    expect_invalid(job("1", {.runs = runs_max + 1}), "runs");
}

TEST_P(EnqueueTest, RefusesPayloadsThatAreNoJson) {
    for (const char* text : {"", "{", "nul", "{'a':1}", "[1,]", "1 2", "\"\xFF\"", "\"\x01\""})
        expect_invalid(job(text), text);
}

TEST_P(EnqueueTest, RefusesQueueNamesNobodyCanHave) {
    const NewJob one = job();

    for (const char* name : {"", "a b", "a/b", "\xC3\xA9", "a\nb"}) {
        const auto answer = store().enqueue(name, {&one, 1});
        EXPECT_EQ(code_of(answer), Errc::invalid_argument) << name << message_of(answer);
    }
    const auto answer = store().enqueue(std::string(81, 'q'), {&one, 1});
    EXPECT_EQ(code_of(answer), Errc::invalid_argument) << message_of(answer);
}

TEST_P(EnqueueTest, MakesNoFifoQueue) {
    const NewJob one = job("1", {.group = "g"});

    const auto answer = store().enqueue(new_queue(".fifo"), {&one, 1});

    EXPECT_THAT(
        code_of(answer), testing::AnyOf(Errc::invalid_argument, Errc::not_found, Errc::unsupported)
    );
    EXPECT_NE(message_of(answer).find("FIFO"), std::string::npos) << message_of(answer);
}

TEST_P(EnqueueTest, MakesNoDeadLetterQueueForADeadLetterQueue) {
    const std::string dead_letters = new_queue("-dlq");

    enqueue(dead_letters, job("7"));

    EXPECT_EQ(must(store().stats(dead_letters)).dead_letter_queue, "");
    EXPECT_EQ(code_of(store().stats(dead_letters + "-dlq")), Errc::not_found);
    EXPECT_EQ(take(dead_letters).payload, "7");
}

TEST_P(EnqueueTest, KeepsQueuesApart) {
    const std::string other = new_queue();
    const std::string here_id = enqueue(job("1"));
    const std::string there_id = enqueue(other, job("2"));

    EXPECT_EQ(take(other).id, there_id);
    EXPECT_EQ(take().id, here_id);
    EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace tranter::conformance
