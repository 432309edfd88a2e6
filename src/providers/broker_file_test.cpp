#include "providers/test_broker.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace tranter::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A store in a directory that goes with the test.
class BrokerFileTest : public BrokerTest {
  public:
    ~BrokerFileTest() override {
        provider.reset();
        std::filesystem::remove_all(directory_);
    }

  protected:
    BrokerFileTest() { reopen(); }

    /// The process need not end well: the store is destroyed without close().
    void reopen() { open({.directory = directory_, .provider = {.durability = "os"}}); }
    OwnedBrokerOptions options() const { return {.directory = directory_}; }
    /// How many jobs are listed, once there are so many, or the history is given up on. A call
    /// waits for what has just ended, but only a moment when the machine is busy.
    std::size_t ids_once_written(const std::string& filter, std::size_t wanted) {
        constexpr int calls_max = 60;
        std::size_t found = 0;
        for (int call = 0; call < calls_max && found < wanted; ++call)
            found = ids(filter).size();
        return found;
    }

  private:
    const std::filesystem::path directory_ =
        testing::TempDir() + "tranter-broker-file-" + std::to_string(::getpid()) + "-" +
        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(BrokerFileTest, KeepsJobsWithTheirOptions) {
    const JobOptions options{.priority = 1, .group = "acme", .timeout = 5s, .tags = {"a"}};
    const std::string id = enqueue(job(options));

    reopen();

    const ReceivedJob received = receive_one();
    EXPECT_EQ(received.id, id);
    EXPECT_EQ(received.options, options);
}

TEST_F(BrokerFileTest, KeepsWhatAttemptsLeft) {
    const std::string id = enqueue(job({.retry = {.base = 0ms}}));
    const ReceivedJob received = receive_one();
    ASSERT_TRUE(provider->save_step("q", received.receipt, {.name = "a", .result = "1"}));
    ASSERT_TRUE(settle(received, Failed{.type = "E", .text = "first"}));

    reopen();

    ASSERT_EQ(find(id).failures.size(), 1U);
    EXPECT_EQ(find(id).failures[0].text, "first");
    const ReceivedJob again = receive_one();
    EXPECT_EQ(again.attempt, 2U);
    ASSERT_EQ(again.steps.size(), 1U);
    EXPECT_EQ(again.steps[0].name, "a");
}

TEST_F(BrokerFileTest, ReceiptsStayValid) {
    const std::string id = enqueue();
    const ReceivedJob received = receive_one();

    reopen();

    ASSERT_TRUE(provider->set_progress("q", received.receipt, "1"));
    ASSERT_TRUE(settle(received, Completed{}));
    EXPECT_EQ(find(id).state, JobState::completed);
}

TEST_F(BrokerFileTest, KeepsTheHistory) {
    const std::string completed = enqueue();
    const ReceivedJob received = receive_one();
    ASSERT_TRUE(provider->append_log("q", received.receipt, std::vector<std::string>{"line"}));
    ASSERT_TRUE(settle(received, Completed{.result = "1"}));
    const std::string cancelled = enqueue();
    ASSERT_TRUE(provider->cancel(cancelled));

    reopen();

    EXPECT_EQ(find(completed).result, "1");
    EXPECT_THAT(provider->log_of(completed)->lines, ElementsAre("line"));
    EXPECT_EQ(find(cancelled).state, JobState::cancelled);
    EXPECT_THAT(ids(""), ElementsAre(cancelled, completed));
}

TEST_F(BrokerFileTest, KeepsARequestToCancel) {
    const std::string id = enqueue();
    const ReceivedJob received = receive_one();
    ASSERT_EQ(provider->cancel(id), Cancelled::requested);

    reopen();

    EXPECT_TRUE(find(id).cancel_requested);
    ASSERT_TRUE(settle(received, Released{}));
    EXPECT_EQ(find(id).state, JobState::cancelled);
}

TEST_F(BrokerFileTest, KeepsPausesAndLimits) {
    ASSERT_TRUE(provider->set_paused("q", true));
    ASSERT_TRUE(provider->set_limits("q", {.max_in_flight_per_group = 3}));

    reopen();

    EXPECT_TRUE(stats().paused);
    EXPECT_EQ(stats().limits.max_in_flight_per_group, 3U);
    EXPECT_TRUE(stats().limits.fair);
}

TEST_F(BrokerFileTest, ADeadJobIsRetriedAfterARestart) {
    const std::string id = enqueue();
    ASSERT_TRUE(settle(receive_one(), Dead{.reason = "why"}));

    reopen();

    EXPECT_EQ(find(id).state, JobState::dead);
    EXPECT_EQ(find(id).reason, "why");
    ASSERT_TRUE(provider->retry(id));
    EXPECT_EQ(receive_one().id, id);
}

TEST_F(BrokerFileTest, ADirectoryBelongsToOneStore) {
    const auto second = open_broker_provider(options());

    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Errc::unavailable);
    EXPECT_THAT(second.error().message(), HasSubstr("in use by process"));
}

TEST_F(BrokerFileTest, AnswersAsManyCallsAtOnceAsAreMade) {
    std::vector<std::jthread> threads;
    std::atomic<int> completed{0};
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                enqueue();
                if (settle(receive_one(), Completed{})) ++completed;
            }
        });
    }
    threads.clear();

    EXPECT_EQ(completed, 100);
    EXPECT_EQ(stats().completed, 100U);
    EXPECT_EQ(ids_once_written("state:completed", 100), 100U);
}

/// Until so many have ended: completes jobs, but fails every fifth that it sees first.
void work_until(Provider& provider, const std::atomic<int>& ended, int jobs) {
    int turn = 0;
    while (ended < jobs) {
        const auto received = provider.receive({.queue = "q", .jobs_max = 7});
        if (!received) continue;
        for (const ReceivedJob& job : *received) {
            const std::vector<std::string> lines{"line"};
            std::ignore = provider.append_log("q", job.receipt, lines);
            Settlement settlement{.receipt = job.receipt, .outcome = Completed{}};
            if (job.attempt == 1 && ++turn % 5 == 0) settlement.outcome = Failed{.text = "again"};
            std::ignore = provider.settle("q", {&settlement, 1});
        }
    }
}

TEST_F(BrokerFileTest, EveryJobEndsOnceWhileOthersLookAndChange) {
    constexpr int jobs = 400;
    std::atomic<int> ended{0};
    auto subscription = provider->subscribe([&](const JobEvent& event) {
        if (event.state == JobState::completed || event.state == JobState::cancelled) ++ended;
    });
    std::vector<std::string> all;
    for (int i = 0; i < jobs; ++i)
        all.push_back(enqueue(job({.retry = {.base = 0ms}})));

    std::vector<std::jthread> threads;
    for (int worker = 0; worker < 2; ++worker)
        threads.emplace_back([&] { work_until(*provider, ended, jobs); });
    threads.emplace_back([&] {
        for (std::size_t i = 0; i < all.size(); i += 10)
            std::ignore = provider->cancel(all[i]);
    });
    threads.emplace_back([&] {
        while (ended < jobs)
            std::ignore = provider->list({.filter = "line", .jobs_max = 20});
    });
    for (const std::string& id : all)
        EXPECT_TRUE(provider->wait(id, 1min)) << id;
    threads.clear();

    const QueueStats figures = stats();
    EXPECT_EQ(figures.completed + figures.cancelled, std::uint64_t{jobs});
    EXPECT_EQ(figures.pending + figures.scheduled + figures.processing, 0U);
    EXPECT_EQ(ended, jobs);
    EXPECT_EQ(ids_once_written("state:completed,cancelled", jobs), std::size_t{jobs});
}

TEST(OpenBrokerProviderTest, SaysWhatIsWrong) {
    EXPECT_EQ(
        open_broker_provider({.directory = "/proc/nothing/here"}).error().code(), Errc::unavailable
    );
    EXPECT_EQ(
        open_broker_provider({.directory = "x", .provider = {.virtual_time = true}}).error().code(),
        Errc::unsupported
    );
    EXPECT_THAT(
        open_broker_provider({.provider = {.durability = "none"}}).error().message(),
        HasSubstr(R"(durability is "none", it must be "sync" or "os")")
    );
}

}  // namespace
}  // namespace tranter::providers
