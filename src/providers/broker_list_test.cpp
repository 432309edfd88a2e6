#include "providers/test_broker.hpp"

#include <gmock/gmock.h>

#include <set>

namespace tranter::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// One job in each state.
class BrokerListTest : public BrokerTest {
  public:
    ~BrokerListTest() override = default;

  protected:
    BrokerListTest() {
        completed = enqueue(named("completed"));
        EXPECT_TRUE(settle(receive_one(), Completed{.result = R"("done well")"}));
        pass(1s);
        dead = enqueue(named("dead"));
        EXPECT_TRUE(settle(receive_one(), Dead{.reason = "broken pipe"}));
        pass(1s);
        cancelled = enqueue(named("cancelled"));
        EXPECT_TRUE(provider->cancel(cancelled));
        failed = enqueue(named("failed"));
        EXPECT_TRUE(settle(receive_one(), Failed{.type = "Timeout", .text = "too slow"}));
        running = enqueue(named("running"));
        receive_one();
        NewJob later = named("scheduled");
        later.delay = 1h;
        scheduled = enqueue(later);
        pending = enqueue(named("pending"));
    }

    static NewJob named(const std::string& name) {
        return {
            .type = "mail",
            .payload = R"({"name":")" + name + R"("})",
            .options = {.group = "acme", .tags = {"name=" + name}}};
    }

    std::string completed, dead, cancelled, failed, running, scheduled, pending;
};

TEST_F(BrokerListTest, ShowsUnfinishedJobsByAgeAndThenFinishedOnesNewestFirst) {
    EXPECT_THAT(
        ids(""), ElementsAre(failed, running, scheduled, pending, cancelled, dead, completed)
    );
}

TEST_F(BrokerListTest, FiltersByEveryState) {
    EXPECT_THAT(ids("state:pending"), ElementsAre(pending));
    EXPECT_THAT(ids("state:scheduled"), ElementsAre(scheduled));
    EXPECT_THAT(ids("state:processing"), ElementsAre(running));
    EXPECT_THAT(ids("state:failed"), ElementsAre(failed));
    EXPECT_THAT(ids("state:completed"), ElementsAre(completed));
    EXPECT_THAT(ids("state:dead"), ElementsAre(dead));
    EXPECT_THAT(ids("state:cancelled"), ElementsAre(cancelled));
    EXPECT_THAT(ids("state:dead,pending"), ElementsAre(pending, dead));
}

TEST_F(BrokerListTest, ComparesJobsThatAreNotFinishedByTheSameRules) {
    EXPECT_THAT(ids("tag:name=pending"), ElementsAre(pending));
    EXPECT_THAT(ids("args.name:running"), ElementsAre(running));
    EXPECT_THAT(ids("sched*"), ElementsAre(scheduled));
    EXPECT_THAT(ids("error:\"too slow\""), ElementsAre(failed));
    EXPECT_THAT(ids("error:broken"), ElementsAre(dead));
    EXPECT_THAT(ids("\"done well\""), ElementsAre(completed));
    EXPECT_THAT(ids("group:acme type:mail queue:q"), SizeIs(7));
    EXPECT_THAT(ids("group:other"), IsEmpty());
    EXPECT_THAT(ids("queue:q-dlq"), IsEmpty());
}

TEST_F(BrokerListTest, AnAgeIsThatOfTheEnd) {
    EXPECT_THAT(ids("age>1500ms"), ElementsAre(completed));
    EXPECT_THAT(ids("age<1500ms"), ElementsAre(cancelled, dead));
}

TEST_F(BrokerListTest, PagesOfAnySizeShowEachJobOnce) {
    const std::vector<std::string> all = ids("");
    for (std::size_t size = 1; size <= all.size(); ++size) {
        std::vector<std::string> seen;
        ListRequest request{.jobs_max = size};
        do {
            const auto page = provider->list(request);
            ASSERT_TRUE(page);
            EXPECT_LE(page->jobs.size(), size);
            for (const JobRecord& job : page->jobs)
                seen.push_back(job.id);
            request.cursor = page->next;
        } while (!request.cursor.empty());

        EXPECT_EQ(seen, all) << size;
    }
}

TEST_F(BrokerListTest, AJobThatLivesAgainIsShownOnce) {
    ASSERT_TRUE(provider->retry(dead));
    ASSERT_TRUE(provider->retry(completed));

    EXPECT_THAT(ids("state:pending"), UnorderedElementsAre(pending, dead, completed));
    EXPECT_THAT(ids("state:dead,completed"), IsEmpty());
    EXPECT_THAT(ids(""), SizeIs(7));
}

TEST_F(BrokerListTest, LooksAtSoManyJobsInOneCallOnly) {
    std::vector<NewJob> many(5'100, job());
    many.push_back({.type = "rare"});
    ASSERT_TRUE(provider->enqueue("many", many));

    const auto page = provider->list({.filter = "type:rare"});

    ASSERT_TRUE(page);
    EXPECT_THAT(page->jobs, IsEmpty());
    EXPECT_THAT(ids("type:rare"), SizeIs(1));
}

TEST_F(BrokerListTest, DeadJobsAreListedOnceWhetherOrNotHistoryHasThem) {
    constexpr std::size_t kept = 1'000;  // by the history, of each queue
    constexpr std::size_t all = kept + 300;
    const std::vector<NewJob> many(all, job());
    ASSERT_TRUE(provider->enqueue("many", many));
    for (std::size_t ended = 0; ended < all;) {
        std::vector<Settlement> settlements;
        for (const ReceivedJob& received : receive(650, "many"))
            settlements.push_back({.receipt = received.receipt, .outcome = Dead{.reason = "no"}});
        ended += settlements.size();
        ASSERT_TRUE(provider->settle("many", settlements));
        // The history does not wait for who ends jobs, but a list does for the history.
        ASSERT_TRUE(provider->list({.filter = "state:completed"}));
    }

    const std::vector<std::string> found = ids("queue:many");

    EXPECT_THAT(found, SizeIs(all));
    EXPECT_THAT(std::set<std::string>(found.begin(), found.end()), SizeIs(all));
}

TEST_F(BrokerListTest, RefusesWhatIsNoPage) {
    EXPECT_EQ(provider->list({.jobs_max = 0}).error().code(), Errc::invalid_argument);
    EXPECT_EQ(provider->list({.jobs_max = 1'001}).error().code(), Errc::invalid_argument);
    for (const char* cursor : {"x", "live/q", "live/q/1/-1", "dead/q/1/2/3", "ended/x"}) {
        EXPECT_EQ(provider->list({.cursor = cursor}).error().code(), Errc::invalid_argument)
            << cursor;
    }
    EXPECT_THAT(
        provider->list({.filter = "state:waiting"}).error().message(),
        HasSubstr("pending, scheduled, processing, completed, failed, dead, cancelled")
    );
}

TEST_F(BrokerListTest, DeadJobsAreListedWithoutAHistory) {
    open({.provider = {.virtual_time = true, .history = false}});
    const std::string id = enqueue();
    ASSERT_TRUE(settle(receive_one(), Dead{.type = "Fatal", .reason = "why"}));

    EXPECT_THAT(ids("state:dead queue:q"), ElementsAre(id));

    const JobRecord record = find(id);
    EXPECT_EQ(record.reason, "why");
    EXPECT_EQ(record.failures.front().type, "Fatal");
    EXPECT_EQ(record.finished_at, now());
}

}  // namespace
}  // namespace tranter::providers
