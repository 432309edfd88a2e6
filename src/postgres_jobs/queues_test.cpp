#include "postgres_jobs/test_provider.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using test::must;
using testing::ElementsAre;
using testing::IsEmpty;

class QueuesInDatabaseTest : public test::ProviderInDatabase {
  public:
    std::vector<std::string> names() {
        std::vector<std::string> names;
        for (const QueueStats& stats : must(provider().queues()))
            names.push_back(stats.queue);
        return names;
    }
};

TEST_F(QueuesInDatabaseTest, ADeadLetterQueueIsThereBeforeTheFirstJobDies) {
    enqueue(job("1"), "mail");
    enqueue(job("2"), "mail-a");

    const QueueStats stats = must(provider().stats("mail-dlq"));

    EXPECT_EQ(stats.queue, "mail-dlq");
    EXPECT_EQ(stats.pending, 0U);
    EXPECT_EQ(stats.dead_letter_queue, "");
    EXPECT_THAT(must(provider().list({.dead_letter_queue = "mail-dlq"})).jobs, IsEmpty());
    EXPECT_THAT(names(), ElementsAre("mail", "mail-a", "mail-a-dlq", "mail-dlq"));
}

TEST_F(QueuesInDatabaseTest, ADeadLetterQueueIsListedOnceWhenItHasLetters) {
    enqueue(job("1"), "mail");
    must(settle(take("mail"), Dead{.reason = "no"}));

    EXPECT_THAT(names(), ElementsAre("mail", "mail-dlq"));
    EXPECT_EQ(must(provider().stats("mail-dlq")).pending, 1U);
    EXPECT_EQ(must(provider().list({.dead_letter_queue = "mail-dlq"})).jobs.size(), 1U);
}

TEST_F(QueuesInDatabaseTest, ADeadLetterQueueOfNobodyIsNotThere) {
    enqueue(job("1"), "mail-dlq");

    for (const char* name : {"post-dlq", "mail-dlq-dlq", "mail", "-dlq"}) {
        EXPECT_EQ(provider().stats(name).error().code(), Errc::not_found) << name;
        const auto listed = provider().list({.dead_letter_queue = name});
        EXPECT_EQ(listed.error().code(), Errc::not_found) << name;
    }
    EXPECT_THAT(names(), ElementsAre("mail-dlq"));
}

}  // namespace
}  // namespace tranter::postgres_jobs
