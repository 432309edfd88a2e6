// Who works.
#include "fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;

class WorkersTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!can().workers) GTEST_SKIP() << kind().name << " does not know its workers";
    }

    /// A name that no other test has.
    std::string worker(std::string_view suffix = "w") const {
        return fmt::format("{}.{}", queue(), suffix);
    }

    std::optional<WorkerInfo> find_worker(const std::string& name) {
        const auto all = must(store().workers());
        EXPECT_TRUE(std::ranges::is_sorted(all, {}, &WorkerInfo::name));
        const auto found = std::ranges::find(all, name, &WorkerInfo::name);
        return found == all.end() ? std::nullopt : std::optional(*found);
    }

    std::vector<ReceivedJob> receive_as(const std::string& name, std::size_t jobs_max = 1) {
        return receive(
            {.queue = queue(), .jobs_max = jobs_max, .lease = seconds(30), .worker = name}
        );
    }
};
TRANTER_FOR_ALL_STORES(WorkersTest);

TEST_P(WorkersTest, AWorkerIsThereFromTheMomentItAsks) {
    const TimePoint before = now();
    receive(
        {.queue = queue(), .worker = worker(), .worker_concurrency = 8, .worker_version = "1.2.3"}
    );

    const auto found = find_worker(worker());

    ASSERT_TRUE(found);
    EXPECT_THAT(found->queues, ElementsAre(queue()));
    EXPECT_EQ(found->running, 0U);
    EXPECT_EQ(found->concurrency, 8U);
    EXPECT_EQ(found->version, "1.2.3");
    EXPECT_GE(found->first_seen, before - seconds(5));
    EXPECT_GE(found->last_seen, found->first_seen);
}

TEST_P(WorkersTest, OneWithoutANameIsNotKnown) {
    const auto before = must(store().workers()).size();
    enqueue(job());

    take();

    const auto known = must(store().workers());
    EXPECT_EQ(std::ranges::count(known, "", &WorkerInfo::name), 0);
    EXPECT_LE(known.size(), before + 1);
}

TEST_P(WorkersTest, RunningAreThoseWhoseLeaseItHolds) {
    enqueue_all({job("1"), job("2"), job("3"), job("4"), job("5")});
    const auto mine = receive_as(worker("a"), 3);
    const auto others = receive_as(worker("b"), 1);
    ASSERT_EQ(mine.size(), 3U);
    ASSERT_EQ(others.size(), 1U);
    EXPECT_EQ(find_worker(worker("a"))->running, 3U);
    EXPECT_EQ(find_worker(worker("b"))->running, 1U);

    complete(mine[0]);
    must(settle(mine[1], Released{}));

    EXPECT_EQ(find_worker(worker("a"))->running, 1U);
    EXPECT_EQ(find_worker(worker("b"))->running, 1U);
}

TEST_P(WorkersTest, AJobThatAnotherWorkerGotIsThatOnes) {
    enqueue(job());
    const auto first = receive_as(worker("a"));
    must(settle(first.front(), Released{}));

    ASSERT_EQ(receive_as(worker("b")).size(), 1U);

    EXPECT_EQ(find_worker(worker("a"))->running, 0U);
    EXPECT_EQ(find_worker(worker("b"))->running, 1U);
}

TEST_P(WorkersTest, AHeartbeatIsASignOfLife) {
    enqueue(job());
    const auto got = receive_as(worker());
    ASSERT_EQ(got.size(), 1U);
    const TimePoint seen = find_worker(worker())->last_seen;
    let_pass(milliseconds(20));

    must(must(store().extend(queue(), {&got.front().receipt, 1}, seconds(30))).front());

    EXPECT_GT(find_worker(worker())->last_seen, seen);
}

TEST_P(WorkersTest, SeveralQueuesAreOneWorker) {
    const std::string other = new_queue("other");
    for (const std::string& name : {queue(), other, queue()})
        receive({.queue = name, .wait = milliseconds(1), .worker = worker()});

    const auto found = find_worker(worker());

    ASSERT_TRUE(found);
    std::vector<std::string> expected{queue(), other};
    std::ranges::sort(expected);
    EXPECT_EQ(found->queues, expected);
}

TEST_P(WorkersTest, OneThatIsSilentIsForgotten) {
    TRANTER_NEEDS(virtual_time);
    receive_as(worker());
    let_pass(minutes(9));
    EXPECT_TRUE(find_worker(worker()));

    let_pass(minutes(2));

    EXPECT_FALSE(find_worker(worker()));
}

}  // namespace
}  // namespace tranter::conformance
