// Consumers and owners of stores that are killed.
#include "fixture.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;

constexpr milliseconds child_lease = seconds(2);

std::vector<std::string> child(
    const std::string& url, const std::string& what, const std::string& queue
) {
    return {child_program(), url, what, queue, std::to_string(child_lease.count())};
}

std::string line_of(Process& process) {
    const auto line = process.read_line();
    if (!line) throw std::runtime_error("the child ended too early");
    return *line;
}

// ---- consumers ---------------------------------------------------------------------------------

class ConsumerCrashTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!kind().shared) GTEST_SKIP() << kind().name << " is of one process";
    }
};
TRANTER_FOR_ALL_STORES(ConsumerCrashTest);

TEST_P(ConsumerCrashTest, TheJobRunsAgainWithinTwoLeasesAndTheCrashCounts) {
    const std::string id = enqueue(job("1", {.retry = at_once(3)}));
    Process consumer(child(url(), "consume", queue()));
    ASSERT_EQ(line_of(consumer), fmt::format("R {} 1", id));

    consumer.kill();

    const auto again = receive({.queue = queue(), .wait = 2 * child_lease});
    ASSERT_EQ(ids_of(again), std::vector{id});
    EXPECT_EQ(again.front().attempt, 2U);
    EXPECT_EQ(again.front().steps.size(), can().steps ? 1U : 0U);
    complete(again.front());
    EXPECT_TRUE(nothing_left());
}

TEST_P(ConsumerCrashTest, AJobThatKillsItsWorkersIsDead) {
    const std::string id = enqueue(job("1", {.retry = at_once(2)}));
    for (int attempt = 1; attempt <= 2; ++attempt) {
        Process consumer(child(url(), "consume", queue()));
        ASSERT_EQ(line_of(consumer), fmt::format("R {} {}", id, attempt));
        consumer.kill();
    }

    EXPECT_THAT(receive({.queue = queue(), .wait = 2 * child_lease}), testing::IsEmpty());

    if (can().history) {
        EXPECT_EQ(finished(id).state, JobState::dead);
    }
}

TEST_P(ConsumerCrashTest, AReceiverThatIsKilledWhileItWaitsTakesNoJobAway) {
    enqueue(job("0"));
    complete(take());
    for (int i = 0; i < 3; ++i) {
        Process consumer(child(url(), "consume", queue()));
        // It waits now or is about to; either way the job reaches somebody in its first attempt.
        consumer.kill();
        const std::string id = enqueue(job("1", {.retry = at_once()}));
        const ReceivedJob got = take();
        EXPECT_EQ(got.id, id);
        complete(got);
    }
}

// ---- owners ------------------------------------------------------------------------------------

class OwnerCrashTest : public testing::TestWithParam<DurableKind> {
  public:
    void SetUp() override { durable_ = GetParam().make(); }
    void TearDown() override {
        if (store_) store_->close();
    }

    /// As whoever comes after the crash.
    Provider& reopen() {
        store_ = must(open_provider(durable_->start()));
        return *store_;
    }

    std::uint64_t unfinished() {
        const QueueStats figures = must(store_->stats(queue_));
        return figures.pending + figures.scheduled + figures.processing;
    }

    /// Completes all that is left, and gives the ids of what was handed out.
    std::multiset<std::string> drain() {
        std::multiset<std::string> ids;
        while (unfinished() > 0) {
            const auto jobs =
                must(store_->receive({.queue = queue_, .jobs_max = 100, .wait = seconds(5)}));
            std::vector<Settlement> settlements;
            for (const ReceivedJob& one : jobs) {
                ids.insert(one.id);
                settlements.push_back({.receipt = one.receipt, .outcome = Completed{}});
            }
            for (const auto& result : must(store_->settle(queue_, settlements)))
                must(result);
        }
        return ids;
    }

    JobRecord find(const std::string& id) { return must(store_->find(id)); }

    const std::string queue_ = "crash";
    std::unique_ptr<DurableStore> durable_{};
    std::shared_ptr<Provider> store_{};
};
INSTANTIATE_TEST_SUITE_P(
    Stores,
    OwnerCrashTest,
    testing::ValuesIn(durable_stores()),
    [](const auto& kind) { return std::string(kind.param.name); }
);

TEST_P(OwnerCrashTest, NothingAcknowledgedIsLostAndNothingCompletedComesAgain) {
    std::map<char, std::set<std::string>> said;
    std::set<std::string>& enqueued = said['E'];
    std::set<std::string>& completed = said['C'];
    const auto note = [&](const std::string& line) {
        said[line.at(0)].insert(line.substr(2));
    };
    for (std::size_t round = 1; round <= 3; ++round) {
        Process client(child(durable_->start(), "traffic", queue_));
        while (enqueued.size() < round * 300)
            note(line_of(client));
        durable_->kill_owner(client);
        while (const auto line = client.read_line())
            note(*line);
    }

    reopen();
    const auto drained = drain();

    for (const std::string& id : drained) {
        EXPECT_FALSE(completed.contains(id)) << id << " was completed and came again";
        EXPECT_EQ(drained.count(id), 1U) << id;
    }
    for (const std::string& id : enqueued) {
        // A completion whose answer the kill cut off has happened, or the job came again.
        EXPECT_TRUE(drained.contains(id) || said['S'].contains(id)) << id << " is lost";
    }
    EXPECT_GE(completed.size(), 100U);
    EXPECT_GE(drained.size(), 100U);
}

TEST_P(OwnerCrashTest, AJobThatRanRunsAgainAndKeepsItsSteps) {
    {
        auto store = must(open_provider(durable_->start()));
        const NewJob one{.type = "test.job", .options = {.retry = at_once(2)}};
        must(store->enqueue(queue_, {&one, 1}));
        store->close();
    }
    Process client(child(durable_->start(), "consume", queue_));
    const std::string line = line_of(client);
    durable_->kill_owner(client);

    const auto again = must(reopen().receive({.queue = queue_, .wait = 2 * child_lease}));

    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(line, fmt::format("R {} 1", again.front().id));
    EXPECT_EQ(again.front().attempt, 2U);
    ASSERT_EQ(again.front().steps.size(), 1U);
    EXPECT_EQ(again.front().steps.front().name, "begun");
}

TEST_P(OwnerCrashTest, JobsAndQueuesAreWhatTheyWere) {
    Process client(child(durable_->start(), "prepare", queue_));
    std::vector<std::string> ids;
    for (std::string line = line_of(client); line != "ready"; line = line_of(client))
        ids.push_back(line);
    durable_->kill_owner(client);

    Provider& store = reopen();

    const QueueStats figures = must(store.stats(queue_));
    EXPECT_TRUE(figures.paused);
    EXPECT_EQ(figures.limits, (QueueLimits{.max_in_flight = 3, .fair = false}));
    EXPECT_EQ(find(ids.at(0)).state, JobState::dead);
    EXPECT_EQ(find(ids.at(0)).queue, queue_);
    const JobRecord failed = find(ids.at(1));
    EXPECT_EQ(failed.state, JobState::failed);
    EXPECT_EQ(failed.attempt, 1U);
    ASSERT_EQ(failed.failures.size(), 1U);
    EXPECT_EQ(failed.failures.front().text, "no such host");
    EXPECT_EQ(find(ids.at(2)).state, JobState::scheduled);
    EXPECT_THAT(find(ids.at(3)).options.tags, ElementsAre("a=1"));
    EXPECT_EQ(find(ids.at(4)).options.priority, 0);
    const auto cancelled = store.find(ids.at(5));
    EXPECT_TRUE(!cancelled || cancelled->state == JobState::cancelled);

    const NewJob again{
        .type = "test.job",
        .options = {.dedup = Dedup{.key = "k", .mode = DedupMode::throttle, .ttl = hours(1)}}};
    EXPECT_EQ(must(store.enqueue(queue_, {&again, 1})).front().duplicate_of, ids.at(3));
    must(store.retry(ids.at(0)));
    must(store.set_paused(queue_, false));
    const auto jobs = must(store.receive({.queue = queue_, .jobs_max = 10}));
    EXPECT_THAT(
        payloads_of(jobs), testing::UnorderedElementsAre("\"urgent\"", "\"throttled\"", "\"dead\"")
    );
    EXPECT_EQ(jobs.front().payload, "\"urgent\"");
}

}  // namespace
}  // namespace tranter::conformance
