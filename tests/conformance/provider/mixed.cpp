// One server, reached as http: and as sqs:. A job is the same whichever way it goes.
#include "fixture.hpp"

#include <algorithm>

namespace tranter::conformance {
namespace {

class MixedTest : public testing::Test {
  public:
    void SetUp() override {
        ASSERT_EQ(jobs_.open_store(kind_of("http")), std::nullopt);
        ASSERT_EQ(sqs_.open_store(kind_of("sqs")), std::nullopt);
    }

    static const StoreKind& kind_of(std::string_view name) {
        return *std::find_if(stores().begin(), stores().end(), [name](const StoreKind& kind) {
            return kind.name == name;
        });
    }

    static NewJob some_job() {
        return job(
            R"({"user":42})",
            {.group = "acme",
             .retry = {.max_attempts = 3, .base = seconds(7), .max = minutes(5), .jitter = 0},
             .timeout = seconds(90),
             .tags = {"a=1"}}
        );
    }

    StoreTest jobs_{};
    StoreTest sqs_{};
};

TEST_F(MixedTest, AJobOfTheJobsApiIsReceivedThroughSqs) {
    const std::string queue = jobs_.new_queue();
    const std::string id = jobs_.enqueue(queue, some_job());

    const ReceivedJob got = sqs_.take(queue);

    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.type, "test.job");
    EXPECT_EQ(got.payload, R"({"user":42})");
    EXPECT_EQ(got.options, some_job().options);
    EXPECT_EQ(jobs_.state_of(id), JobState::processing);

    sqs_.complete(got);

    EXPECT_EQ(jobs_.receive({.queue = queue}).size(), 0U);
}

TEST_F(MixedTest, AJobSentThroughSqsIsAJobOfTheJobsApi) {
    const std::string queue = jobs_.new_queue();
    const std::string id = sqs_.enqueue(queue, some_job());

    const JobRecord record = jobs_.find(id);
    EXPECT_EQ(record.type, "test.job");
    EXPECT_EQ(record.state, JobState::pending);
    EXPECT_EQ(record.options, some_job().options);

    const ReceivedJob got = jobs_.take(queue);
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.payload, R"({"user":42})");
    EXPECT_EQ(got.options, some_job().options);
    jobs_.complete(got, "\"done\"");
    EXPECT_EQ(jobs_.finished(id).result, "\"done\"");
}

TEST_F(MixedTest, AttemptsCountOnBothWays) {
    const std::string queue = jobs_.new_queue();
    jobs_.enqueue(queue, job("1", {.retry = at_once(3)}));
    must(jobs_.settle(jobs_.take(queue), Failed{.type = "E", .text = "1"}));

    const ReceivedJob second = sqs_.take(queue);
    EXPECT_EQ(second.attempt, 2U);
    must(sqs_.settle(second, Failed{.type = "E", .text = "2"}));

    EXPECT_EQ(jobs_.take(queue).attempt, 3U);
}

}  // namespace
}  // namespace tranter::conformance
