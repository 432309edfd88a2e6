#include "jobs/test_provider.hpp"

#include <tranter/client.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct Plain {
    int number = 0;
    static constexpr std::string_view kind = "plain";
};

struct Careful {
    int number = 0;
    std::string note = "n";
    static constexpr std::string_view kind = "careful";
    static constexpr JobDefaults defaults{
        .queue = "mail", .timeout = 30s, .retry = {.max_attempts = 8}, .priority = 2};
    static constexpr auto unique = std::tuple{&Careful::number};
};

/// Remembers what was enqueued.
class Enqueuer final : public NoProvider {
  public:
    Enqueuer() {
        can.priorities = true;
        can.dedup = true;
    }
    std::string_view name() const override { return "enqueuer"; }
    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        calls.push_back({std::string(queue), {jobs.begin(), jobs.end()}});
        std::vector<Enqueued> out;
        for (const NewJob& job : jobs)
            out.push_back({.id = job.id, .duplicate_of = job.type == "twice" ? job.id : ""});
        return out;
    }
    Result<JobPage> list(const ListRequest& request) override {
        filter = request.filter;
        const bool is_first = request.cursor.empty();
        JobPage page{.next = is_first ? "more" : ""};
        page.jobs.push_back({.payload = is_first ? R"({"number":1})" : R"({"number":2})"});
        page.jobs.push_back({.payload = R"({"number":3})", .attempt = 1});
        return page;
    }
    Result<JobRecord> wait(std::string_view id, Milliseconds) override {
        JobRecord job = record;
        job.id = id;
        return job;
    }

    std::vector<EnqueueCall> calls;
    std::string filter;
    JobRecord record;
};

class ClientTest : public testing::Test {
  public:
    ~ClientTest() override = default;

  protected:
    const NewJob& sent() const { return provider_->calls.back().jobs.back(); }

    std::shared_ptr<Enqueuer> provider_ = std::make_shared<Enqueuer>();
    Client client_{provider_};
};

TEST_F(ClientTest, AStructIsSentWithItsKindAndDefaults) {
    const auto job = client_.enqueue(Careful{.number = 7});

    ASSERT_TRUE(job);
    EXPECT_EQ(job->id(), sent().id);
    EXPECT_EQ(provider_->calls.back().queue, "mail");
    EXPECT_EQ(sent().type, "careful");
    EXPECT_EQ(sent().payload, R"({"number":7,"note":"n"})");
    EXPECT_EQ(sent().options.timeout, 30s);
    EXPECT_EQ(sent().options.retry.max_attempts, 8);
    EXPECT_EQ(sent().options.priority, 2);
    ASSERT_TRUE(sent().options.dedup);
    EXPECT_EQ(sent().options.dedup->key, **unique_key(Careful{.number = 7}));
    EXPECT_EQ(sent().options.dedup->mode, DedupMode::simple);
}

TEST_F(ClientTest, OptionsCountMoreThanDefaults) {
    const auto job = client_.enqueue(
        Careful{},
        {.queue = "other",
         .delay = 5min,
         .priority = 9,
         .group = "acme",
         .dedup = Dedup{.key = "own", .mode = DedupMode::keep_latest},
         .max_attempts = 2,
         .retry = RetryPolicy{.max_attempts = 5, .base = 1s},
         .timeout = 0s,
         .ttl = 1h,
         .tags = {"a=b"},
         .runs = 3,
         .max_parallel_runs = 2,
         .id = "0B6D3F4E-9f0c-4c8e-8f6a-2d1c5b7a9e10"}
    );

    ASSERT_TRUE(job) << job.error().message();
    EXPECT_EQ(provider_->calls.back().queue, "other");
    EXPECT_EQ(sent().id, "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10");
    EXPECT_EQ(sent().delay, 5min);
    const JobOptions expected{
        .priority = 9,
        .group = "acme",
        .retry = {.max_attempts = 2, .base = 1s},
        .ttl = 1h,
        .tags = {"a=b"},
        .dedup = Dedup{.key = "own", .mode = DedupMode::keep_latest},
        .runs = 3,
        .max_parallel_runs = 2};
    EXPECT_EQ(sent().options, expected);
}

TEST_F(ClientTest, HowToDeduplicateCanBeChosenForTheKeyOfTheJob) {
    const Dedup debounce{.mode = DedupMode::debounce, .ttl = 10s};

    ASSERT_TRUE(client_.enqueue(Careful{.number = 7}, {.dedup = debounce}));
    EXPECT_EQ(sent().options.dedup->key, **unique_key(Careful{.number = 7}));
    EXPECT_EQ(sent().options.dedup->mode, DedupMode::debounce);
    EXPECT_EQ(
        client_.enqueue(Plain{}, {.dedup = debounce}).error().message(),
        "dedup.key is empty, it must be 1 to 255 bytes"
    );
}

TEST_F(ClientTest, AJobWithoutATypeIsSentAsItIs) {
    ASSERT_TRUE(client_.enqueue({.type = "report:daily", .payload = R"({ "a" : [1.50] })"}));

    EXPECT_EQ(provider_->calls.back().queue, "default");
    EXPECT_EQ(sent().type, "report:daily");
    EXPECT_EQ(sent().payload, R"({"a":[1.50]})");
}

TEST_F(ClientTest, WhatIsWrongIsSaidAndNothingIsSent) {
    const auto not_json = client_.enqueue({.type = "a", .payload = "{"});
    const auto below_zero = client_.enqueue(Plain{}, {.delay = -1ms});
    const auto one_of_three =
        client_.enqueue_all(std::vector<JobRequest>{{.type = "a"}, {.type = "b c"}, {.type = "d"}});
    const auto same_id =
        client_.enqueue_all({Plain{1}, Plain{2}}, {.id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10"});

    EXPECT_THAT(not_json.error().message(), HasSubstr("payload: $"));
    EXPECT_EQ(below_zero.error().message(), "delay is -1ms, it must not be below zero");
    EXPECT_THAT(one_of_three.error().message(), HasSubstr("job 2 of 3: type is \"b c\""));
    EXPECT_EQ(same_id.error().code(), Errc::invalid_argument);
    EXPECT_TRUE(provider_->calls.empty());
}

TEST_F(ClientTest, WhatTheStoreCannotDoIsRefusedByName) {
    provider_->can = {.delay_max = 15min};

    const auto priority = client_.enqueue(Plain{}, {.priority = 1});
    const auto dedup = client_.enqueue(Careful{}, {.priority = 5});
    const auto delay = client_.enqueue(Plain{}, {.delay = 15min + 1ms});
    const auto run_at = client_.enqueue(
        Plain{}, {.run_at = TimePoint(std::chrono::sys_days(std::chrono::year(9000) / 1 / 1))}
    );

    EXPECT_EQ(
        priority.error().message(), "priority is 1, but enqueuer has no priorities: leave it at 5"
    );
    EXPECT_EQ(priority.error().code(), Errc::unsupported);
    EXPECT_EQ(dedup.error().message(), "dedup is set, but enqueuer cannot de-duplicate");
    EXPECT_THAT(
        delay.error().message(),
        HasSubstr(
            "delay is 900001ms, the longest that enqueuer can do is 15m; later jobs wait in a "
            "store of schedules"
        )
    );
    EXPECT_THAT(run_at.error().message(), HasSubstr("run_at is further away than 15m"));
    EXPECT_TRUE(client_.enqueue(Plain{}, {.delay = 15min}));
}

TEST_F(ClientTest, OnlySimpleDeduplicationWhereTheStoreHasNoMore) {
    provider_->can = {.priorities = true, .dedup_simple_fifo = true};

    EXPECT_TRUE(client_.enqueue(Careful{}));
    const Dedup throttle{.mode = DedupMode::throttle, .ttl = 1s};
    EXPECT_EQ(
        client_.enqueue(Careful{}, {.dedup = throttle}).error().message(),
        "dedup.mode is throttle, but enqueuer can only do simple"
    );
}

TEST_F(ClientTest, ManyAreSentInOneCallForEachQueueAndAnsweredInOrder) {
    const auto jobs = client_.enqueue_all(std::vector<JobRequest>{
        {.type = "a", .options = {.queue = "x"}},
        {.type = "b", .options = {.queue = "y"}},
        {.type = "twice", .options = {.queue = "x"}}});

    ASSERT_TRUE(jobs);
    ASSERT_EQ(provider_->calls.size(), 2);
    EXPECT_EQ(provider_->calls[0].jobs.size(), 2);
    EXPECT_EQ((*jobs)[0].id(), provider_->calls[0].jobs[0].id);
    EXPECT_EQ((*jobs)[1].id(), provider_->calls[1].jobs[0].id);
    EXPECT_EQ((*jobs)[2].duplicate_of(), provider_->calls[0].jobs[1].id);
    EXPECT_TRUE(client_.enqueue_all(std::array{Plain{1}, Plain{2}}));
    EXPECT_EQ(provider_->calls.back().jobs.size(), 2);
    EXPECT_TRUE(client_.enqueue_all(std::vector<Plain>())->empty());
}

TEST_F(ClientTest, MoreThanACallTakesIsSplitUnlessAllOrNoneWasPromised) {
    const std::vector<Plain> five(5);
    provider_->can.batch_max = 2;

    EXPECT_EQ(client_.enqueue_all(five).error().message(), "5 jobs in one call, limit is 2");
    provider_->can.atomic_batch = false;
    EXPECT_EQ(client_.enqueue_all(five)->size(), 5);
    EXPECT_EQ(provider_->calls.size(), 3);
}

TEST_F(ClientTest, LayersSeeTheCallFromTheOutsideInAndTheAnswerBack) {
    std::vector<std::string> seen;
    const auto layer = [&](const std::string& name) {
        return [&seen, name](EnqueueCall& call, const EnqueueNext& next) {
            seen.push_back(name + " in");
            call.jobs.front().options.tags.push_back(name);
            auto answer = next(call);
            seen.push_back(name + " out");
            return answer;
        };
    };
    client_.use(layer("outer"));
    client_.use(layer("inner"));

    ASSERT_TRUE(client_.enqueue(Plain{}));

    EXPECT_THAT(seen, ElementsAre("outer in", "inner in", "inner out", "outer out"));
    EXPECT_THAT(sent().options.tags, ElementsAre("outer", "inner"));
}

TEST_F(ClientTest, ALayerMayRefuse) {
    client_.use([](EnqueueCall&, const EnqueueNext&) -> Result<std::vector<Enqueued>> {
        return fail(Errc::permission_denied, "not today");
    });

    EXPECT_EQ(client_.enqueue(Plain{}).error().message(), "not today");
    EXPECT_TRUE(provider_->calls.empty());
    EXPECT_THROW(client_.use(nullptr), Exception);
}

TEST_F(ClientTest, ListsWhatWaitsForItsFirstAttempt) {
    const auto jobs = client_.enqueued<Plain>();

    ASSERT_TRUE(jobs);
    ASSERT_EQ(jobs->size(), 2);
    EXPECT_EQ((*jobs)[0].number, 1);
    EXPECT_EQ((*jobs)[1].number, 2);
    EXPECT_EQ(provider_->filter, "type:plain state:pending,scheduled");
}

TEST_F(ClientTest, AResultIsReadAsItsType) {
    const auto job = client_.enqueue(Plain{});

    provider_->record = {.state = JobState::completed, .result = R"({"number":5})"};
    EXPECT_EQ(job->result<Plain>(1s)->number, 5);
    provider_->record = {.state = JobState::dead, .reason = "no mailbox"};
    EXPECT_EQ(
        job->result<Plain>(1s).error().message(),
        "job " + job->id() + " has no result, it is dead: no mailbox"
    );
    provider_->record = {.state = JobState::completed, .result = "[]"};
    EXPECT_EQ(job->result<Plain>(1s).error().code(), Errc::invalid_argument);
}

TEST(ExceptionTest, AnErrorWithoutAReceiverIsThrown) {
    EXPECT_EQ(or_throw(Result<int>(5)), 5);
    EXPECT_NO_THROW(or_throw(Result<>()));
    try {
        or_throw(Result<>(fail(Errc::conflict, "it is taken")));
        FAIL() << "nothing was thrown";
    } catch (const Exception& error) {
        EXPECT_EQ(error.code(), Errc::conflict);
        EXPECT_STREQ(error.what(), "it is taken");
    }
    EXPECT_THROW(Client(std::shared_ptr<Provider>()), Exception);
}

}  // namespace
}  // namespace tranter
