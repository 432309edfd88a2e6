// Forgetting what is finished, and looking into a dead-letter queue.
#include "fixture.hpp"

#include <fmt/format.h>

#include <future>
#include <iterator>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RemoveTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!can().look_up) GTEST_SKIP() << kind().name << " has no look-up";
    }

    std::string dead_letters() { return stats().dead_letter_queue; }
    std::uint64_t depth() { return must(store().stats(dead_letters())).pending; }

    std::string ended(AttemptOutcome outcome, const NewJob& one = job()) {
        std::string id = enqueue(one);
        must(settle(take(), std::move(outcome)));
        return id;
    }
    std::string dead(const NewJob& one = job(), std::string reason = "because") {
        return ended(Dead{.type = "E", .reason = std::move(reason)}, one);
    }

    std::vector<JobRecord> letters(const std::string& filter = "", std::size_t page = 1'000) {
        std::vector<JobRecord> all;
        ListRequest request{
            .filter = filter, .jobs_max = page, .dead_letter_queue = dead_letters()};
        do {
            JobPage found = must(store().list(request));
            EXPECT_LE(found.jobs.size(), page);
            std::move(found.jobs.begin(), found.jobs.end(), std::back_inserter(all));
            request.cursor = found.next;
        } while (!request.cursor.empty() && all.size() < 1'000);
        return all;
    }

    void expect_unknown(const std::string& id) {
        EXPECT_EQ(code_of(store().find(id)), Errc::not_found);
        EXPECT_EQ(code_of(store().retry(id)), Errc::not_found);
        EXPECT_EQ(code_of(store().remove(id)), Errc::not_found);
    }
};
TRANTER_FOR_ALL_STORES(RemoveTest);

TEST_P(RemoveTest, ADeadJobLeavesItsDeadLetterQueueAndTheHistory) {
    const std::string id = dead();
    const std::string other = dead();
    EXPECT_EQ(depth(), 2U);

    must(store().remove(id));

    EXPECT_EQ(depth(), 1U);
    expect_unknown(id);
    EXPECT_THAT(ids_of(letters()), ElementsAre(other));
    const ListRequest all{.filter = fmt::format("queue:{}", queue())};
    EXPECT_THAT(ids_of(must(store().list(all)).jobs), ElementsAre(other));
}

TEST_P(RemoveTest, AFinishedJobIsForgottenByTheHistory) {
    TRANTER_NEEDS(history);
    const std::string completed = ended(Completed{.result = "1"});
    const std::string cancelled = enqueue(job());
    must(store().cancel(cancelled));

    must(store().remove(completed));
    must(store().remove(cancelled));

    expect_unknown(completed);
    expect_unknown(cancelled);
    const ListRequest all{.filter = fmt::format("queue:{}", queue())};
    EXPECT_THAT(must(store().list(all)).jobs, IsEmpty());
}

TEST_P(RemoveTest, WhatIsNotFinishedIsAConflictAndStays) {
    NewJob later = job();
    later.delay = hours(1);
    const std::string running = enqueue(job());
    take();
    const std::string resting = enqueue(job("1", {.retry = {.base = hours(1), .max = hours(1)}}));
    must(settle(take(), Failed{.type = "E", .text = "e"}));
    const std::string pending = enqueue(job());

    for (const std::string& id : {enqueue(later), running, resting, pending}) {
        EXPECT_EQ(code_of(store().remove(id)), Errc::conflict);
        EXPECT_EQ(find(id).id, id);
    }
    EXPECT_EQ(take().id, pending);
}

TEST_P(RemoveTest, WhatNobodyKnowsIsNotFound) {
    expect_unknown("6f1f0c1e-8b0b-4c53-9d6a-0f5d5c9a7a11");
    expect_unknown("no-uuid");
}

TEST_P(RemoveTest, AnIdThatWasForgottenIsNoDuplicate) {
    NewJob named = job();
    named.id = new_id();
    const std::string id = dead(named);
    must(store().remove(id));

    const auto again = must(try_enqueue({named}));

    EXPECT_EQ(again.front().duplicate_of, "");
    const ReceivedJob got = take();
    EXPECT_EQ(got.id, id);
    complete(got);
}

TEST_P(RemoveTest, OfRemovalAndRetryAtOnceOnlyOneSucceeds) {
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i)
        ids.push_back(dead());
    const auto all = [&ids](auto call) {
        return std::async(std::launch::async, [&ids, call] {
            std::vector<bool> done;
            for (const std::string& id : ids)
                done.push_back(call(id).has_value());
            return done;
        });
    };
    auto removing = all([this](const std::string& id) { return store().remove(id); });
    auto retrying = all([this](const std::string& id) { return store().retry(id); });

    const auto removed = removing.get();
    const auto retried = retrying.get();

    for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_NE(removed[i], retried[i]) << i;
        const auto code = code_of(store().find(ids[i]));
        EXPECT_EQ(code, removed[i] ? std::optional(Errc::not_found) : std::nullopt) << i;
    }
}

TEST_P(RemoveTest, ADeadLetterQueueIsListedByItself) {
    const std::string one = dead(job("{\"user\":1}"), "no route");
    const std::string two = dead(job("{\"user\":2}"), "timeout");
    enqueue(job());
    ended(Completed{});

    EXPECT_THAT(ids_of(letters()), UnorderedElementsAre(one, two));
    EXPECT_THAT(ids_of(letters("error:timeout")), ElementsAre(two));
    EXPECT_THAT(ids_of(letters("args.user:1")), ElementsAre(one));
    EXPECT_THAT(ids_of(letters("age>1h")), IsEmpty());
    EXPECT_THAT(ids_of(letters("age<1h", 1)), UnorderedElementsAre(one, two));
    const JobRecord letter = letters("args.user:1").front();
    EXPECT_EQ(letter.state, JobState::dead);
    EXPECT_EQ(letter.queue, queue());
    EXPECT_EQ(letter.reason, "no route");
    EXPECT_TRUE(letter.finished_at.has_value());
}

TEST_P(RemoveTest, AJobThatWasSentToADeadLetterQueueByHandIsPendingThere) {
    const std::string id = dead();
    const std::string by_hand = enqueue(dead_letters(), job("\"by hand\""));

    const auto all = letters();

    EXPECT_THAT(ids_of(all), UnorderedElementsAre(id, by_hand));
    const auto found = std::ranges::find(all, by_hand, &JobRecord::id);
    EXPECT_EQ(found->state, JobState::pending);
    EXPECT_EQ(found->queue, dead_letters());
    EXPECT_EQ(code_of(store().remove(by_hand)), Errc::conflict);
}

TEST_P(RemoveTest, ADeadLetterQueueThatIsNotThereIsNotFound) {
    const ListRequest request{.dead_letter_queue = new_queue("nobody")};

    EXPECT_EQ(code_of(store().list(request)), Errc::not_found);
}

}  // namespace
}  // namespace tranter::conformance
