// Finding and listing jobs, before and after they are finished.
#include "fixture.hpp"

#include <fmt/format.h>

#include <set>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

class LookUpTest : public ProviderTest {
  public:
    /// All pages of what `filter` finds in the queue of this test.
    std::vector<JobRecord> list(const std::string& filter, std::size_t page = 1'000) {
        std::vector<JobRecord> all;
        ListRequest request{
            .filter = fmt::format("queue:{} {}", queue(), filter), .jobs_max = page};
        do {
            JobPage found = must(store().list(request));
            EXPECT_LE(found.jobs.size(), page);
            EXPECT_TRUE(found.next.empty() || !found.jobs.empty());
            std::move(found.jobs.begin(), found.jobs.end(), std::back_inserter(all));
            request.cursor = found.next;
        } while (!request.cursor.empty() && all.size() < 10'000);
        return all;
    }

    std::string completed(const NewJob& one) {
        std::string id = enqueue(one);
        complete(take());
        finished(id);
        return id;
    }
};
TRANTER_FOR_ALL_STORES(LookUpTest);

TEST_P(LookUpTest, AJobIsFoundFromTheMomentItIsEnqueued) {
    TRANTER_NEEDS(look_up);
    const TimePoint before = now() - seconds(5);
    const std::string id = enqueue(job(R"({"user":1})", {.group = "acme", .tags = {"t"}}));

    const JobRecord record = find(id);

    EXPECT_EQ(record.id, id);
    EXPECT_EQ(record.queue, queue());
    EXPECT_EQ(record.type, "test.job");
    EXPECT_EQ(record.payload, R"({"user":1})");
    EXPECT_EQ(record.state, JobState::pending);
    EXPECT_EQ(record.attempt, 0U);
    EXPECT_EQ(record.options.group, "acme");
    EXPECT_THAT(record.options.tags, ElementsAre("t"));
    EXPECT_GE(record.created_at, before);
    EXPECT_LE(record.created_at, now() + seconds(5));
    EXPECT_FALSE(record.started_at.has_value());
    EXPECT_FALSE(record.finished_at.has_value());
    EXPECT_FALSE(record.lease_until.has_value());
    EXPECT_FALSE(record.cancel_requested);
    EXPECT_EQ(record.result, "");
    EXPECT_THAT(record.failures, IsEmpty());
    EXPECT_EQ(record.progress, "");
}

TEST_P(LookUpTest, AJobThatIsNotThereIsNotFound) {
    TRANTER_NEEDS(look_up);

    for (const char* id :
         {"6f1f0c1e-8b0b-4c53-9d6a-0f5d5c9a7a11",
          "",
          "no-uuid",
          "a/../b",
          "6f1f0c1e-8b0b-4c53-9d6a-0f5d5c9a7a1",
          "\xFF",
          "%00"}) {
        const auto is_missing = testing::AnyOf(Errc::not_found, Errc::invalid_argument);
        EXPECT_THAT(code_of(store().find(id)), is_missing) << id;
        EXPECT_THAT(code_of(store().log_of(id)), is_missing) << id;
        EXPECT_THAT(code_of(store().cancel(id)), is_missing) << id;
        EXPECT_THAT(code_of(store().retry(id)), is_missing) << id;
        EXPECT_THAT(code_of(store().promote(id)), is_missing) << id;
        EXPECT_THAT(code_of(store().wait(id, milliseconds(0))), is_missing) << id;
    }
}

TEST_P(LookUpTest, ListsWhatWaitsByAge) {
    TRANTER_NEEDS(list);
    const auto ids = enqueue_all({job("1"), job("2"), job("3")});

    EXPECT_THAT(ids_of(list("")), ElementsAreArray(ids));
}

TEST_P(LookUpTest, ListsUnfinishedFirstAndThenFinishedNewestFirst) {
    TRANTER_NEEDS(list);
    TRANTER_NEEDS(history);
    const std::string oldest = completed(job("1"));
    const std::string newest = completed(job("2"));
    const std::string waits = enqueue(job("3"));

    EXPECT_THAT(ids_of(list("")), ElementsAre(waits, newest, oldest));
}

TEST_P(LookUpTest, PagesLeaveNothingOutAndRepeatNothing) {
    TRANTER_NEEDS(list);
    std::vector<std::string> all;
    if (can().history) {
        for (int i = 0; i < 10; ++i)
            all.push_back(completed(job(std::to_string(i))));
    }
    for (int i = 0; i < 10; ++i)
        all.push_back(enqueue(job(std::to_string(i))));

    for (const std::size_t page : {1U, 3U, 10U, 19U, 20U, 21U}) {
        EXPECT_THAT(ids_of(list("", page)), UnorderedElementsAreArray(all)) << "pages of " << page;
    }
}

TEST_P(LookUpTest, ACursorOutlivesTheJobItPointsAt) {
    TRANTER_NEEDS(list);
    const auto ids = enqueue_all({job("1"), job("2"), job("3"), job("4")});
    const std::string filter = "queue:" + queue();
    const JobPage first = must(store().list({.filter = filter, .jobs_max = 2}));
    ASSERT_FALSE(first.next.empty());
    must(store().cancel(ids.at(1)));

    const JobPage second = must(
        store().list({.filter = filter + " state:pending", .jobs_max = 10, .cursor = first.next})
    );

    EXPECT_THAT(ids_of(second.jobs), ElementsAre(ids.at(2), ids.at(3)));
}

TEST_P(LookUpTest, FiltersByState) {
    TRANTER_NEEDS(list);
    NewJob later = job("1");
    later.delay = hours(1);
    const std::string scheduled = enqueue(later);
    const std::string processing = enqueue(job("2"));
    take();
    const std::string failed = enqueue(job("3", {.retry = {.base = hours(1), .max = hours(1)}}));
    must(settle(take(), Failed{.type = "E", .text = "e"}));
    const std::string pending = enqueue(job("4"));

    EXPECT_THAT(ids_of(list("state:scheduled")), ElementsAre(scheduled));
    EXPECT_THAT(ids_of(list("state:processing")), ElementsAre(processing));
    EXPECT_THAT(ids_of(list("state:failed")), ElementsAre(failed));
    EXPECT_THAT(ids_of(list("state:pending")), ElementsAre(pending));
    EXPECT_THAT(ids_of(list("state:pending,scheduled")), UnorderedElementsAre(pending, scheduled));
    EXPECT_THAT(list("state:completed"), IsEmpty());
}

TEST_P(LookUpTest, FiltersFinishedByState) {
    TRANTER_NEEDS(list);
    TRANTER_NEEDS(history);
    const std::string done = completed(job("1"));
    const std::string dead = enqueue(job("2"));
    must(settle(take(), Dead{.type = "E", .reason = "r"}));
    const std::string cancelled = enqueue(job("3"));
    must(store().cancel(cancelled));
    finished(cancelled);

    EXPECT_THAT(ids_of(list("state:completed")), ElementsAre(done));
    EXPECT_THAT(ids_of(list("state:dead")), ElementsAre(dead));
    EXPECT_THAT(ids_of(list("state:cancelled")), ElementsAre(cancelled));
    EXPECT_THAT(ids_of(list("")), UnorderedElementsAre(done, dead, cancelled));
}

TEST_P(LookUpTest, FiltersByTypeGroupTagAndPayload) {
    TRANTER_NEEDS(list);
    NewJob mail =
        job(R"({"user":{"id":42},"text":"invoice overdue"})",
            {.group = "acme", .tags = {"customer=7", "urgent"}});
    mail.type = "mail:send";
    const std::string id = enqueue(mail);
    enqueue(job(R"({"user":{"id":43}})", {.group = "other"}));
    const std::vector<std::string> finds{
        "type:mail:send",
        "group:acme",
        "tag:customer=7",
        "tag:urgent",
        "invoice",
        "args.user.id:42",
        "\"invoice overdue\"",
        "inv*"};

    for (const std::string& filter : finds)
        EXPECT_THAT(ids_of(list(filter)), ElementsAre(id)) << filter;
    EXPECT_THAT(list("type:mail:send group:other"), IsEmpty());
    EXPECT_THAT(list("args.user.id:44"), IsEmpty());

    if (!can().history) return;
    for (const ReceivedJob& one : take_many(2))
        complete(one);
    finished(id);
    for (const std::string& filter : finds)
        EXPECT_THAT(ids_of(list(filter)), ElementsAre(id)) << filter << ", finished";
}

TEST_P(LookUpTest, FiltersByError) {
    TRANTER_NEEDS(list);
    TRANTER_NEEDS(history);
    const std::string id = enqueue(job("1"));
    must(settle(take(), Dead{.type = "timeout_error", .reason = "connection refused"}));
    completed(job("2"));
    finished(id);

    EXPECT_THAT(ids_of(list("error:\"connection refused\"")), ElementsAre(id));
}

TEST_P(LookUpTest, ListsPayloadsAndResults) {
    TRANTER_NEEDS(list);
    TRANTER_NEEDS(history);
    const std::string id = enqueue(job(R"({"a":1})"));
    complete(take(), R"({"b":2})");
    finished(id);

    const auto jobs = list("");

    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs.front().payload, R"({"a":1})");
    EXPECT_EQ(jobs.front().result, R"({"b":2})");
    EXPECT_EQ(jobs.front().state, JobState::completed);
}

TEST_P(LookUpTest, RefusesWhatNobodyCanSearchFor) {
    TRANTER_NEEDS(list);
    const std::string id = enqueue(job());

    EXPECT_EQ(code_of(store().list({.filter = "colour:red"})), Errc::invalid_argument);
    EXPECT_EQ(code_of(store().list({.filter = "state:done"})), Errc::invalid_argument);
    EXPECT_EQ(code_of(store().list({.jobs_max = 0})), Errc::invalid_argument);
    EXPECT_EQ(code_of(store().list({.jobs_max = 1'001})), Errc::invalid_argument);
    EXPECT_EQ(code_of(store().list({.cursor = "nonsense"})), Errc::invalid_argument);
    EXPECT_EQ(code_of(store().list({.filter = std::string(5'000, 'x')})), Errc::invalid_argument);
}

TEST_P(LookUpTest, AFinishedJobIsFoundAtOnce) {
    TRANTER_NEEDS(history);
    for (int i = 0; i < 20; ++i) {
        const std::string id = enqueue(job());
        complete(take(), std::to_string(i));
        const JobRecord record = find(id);
        ASSERT_EQ(record.state, JobState::completed);
        ASSERT_EQ(record.result, std::to_string(i));
    }
}

}  // namespace
}  // namespace tranter::conformance
