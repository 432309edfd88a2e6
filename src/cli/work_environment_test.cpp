#include "cli/work_environment.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

std::string error_of(const std::vector<std::string>& environment) {
    ServerConfig config;
    const auto applied = apply_deployment_variables(config, environment);
    return applied ? "accepted" : applied.error().message();
}

TEST(DeploymentVariables, SetWhatTheyMean) {
    ServerConfig config;
    const auto bindings = apply_deployment_variables(
        config,
        {"WORKER_POLL_INTERVAL_MS=5000",
         "WORKER_BATCH_SIZE=10",
         "WORKER_VISIBILITY_TIMEOUT=120",
         "EXECUTION_WORKER_CONCURRENCY=5",
         "EXECUTION_TENANT_CONCURRENCY=2",
         "MAX_CONCURRENT_ATTEMPTS_PER_JOB=10",
         "HOME=/root"}
    );
    ASSERT_TRUE(bindings) << bindings.error().message();
    EXPECT_EQ(config.worker.poll_wait, std::chrono::seconds(5));
    EXPECT_EQ(config.worker.batch, 10U);
    EXPECT_EQ(config.worker.lease, std::chrono::minutes(2));
    EXPECT_EQ(config.worker.concurrency, 5U);
    EXPECT_EQ(config.worker.group_concurrency, 2U);
    EXPECT_EQ(config.worker.max_parallel_runs, 10U);
    EXPECT_TRUE(config.provider.empty());
    EXPECT_TRUE(config.worker.queues.empty());
}

TEST(DeploymentVariables, BindQueuesAndTheirDeadLetterQueues) {
    ServerConfig config;
    const auto bindings = apply_deployment_variables(
        config,
        {"SQS_MAIL_QUEUE_URL=https://sqs.eu-west-1.amazonaws.com/123456789012/mail-queue",
         "SQS_MAIL_DLQ_URL=https://sqs.eu-west-1.amazonaws.com/123456789012/mail-dead",
         "SQS_WORKSPACE_JOBS_QUEUE_URL=https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
         "SQS_QUEUE_URL=not a queue with a name"}
    );
    ASSERT_TRUE(bindings) << bindings.error().message();
    EXPECT_EQ(config.provider, "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012");
    EXPECT_EQ(config.worker.queues, (std::vector<WorkerQueue>{"mail-queue", "jobs"}));
    EXPECT_EQ(
        bindings->dead_letter_queues,
        (std::map<std::string, std::string>{{"mail-queue", "mail-dead"}})
    );
}

TEST(DeploymentVariables, SayWhatIsWrongAndNeverRepeatAUrl) {
    EXPECT_EQ(
        error_of({"WORKER_BATCH_SIZE=many"}),
        "environment: WORKER_BATCH_SIZE: is \"many\", write a number from 1 to 10000"
    );
    EXPECT_EQ(
        error_of({"WORKER_VISIBILITY_TIMEOUT=0"}),
        "environment: WORKER_VISIBILITY_TIMEOUT: is \"0\", write a number from 1 to 43200"
    );
    EXPECT_EQ(
        error_of({"SQS_A_QUEUE_URL=https://user:secret@host/1/a"}),
        "environment: SQS_A_QUEUE_URL: is no URL of a queue, write "
        "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
    );
    EXPECT_EQ(
        error_of({"SQS_A_QUEUE_URL=http://host/1/a", "SQS_B_QUEUE_URL=http://other/1/b"}),
        "environment: SQS_B_QUEUE_URL: is at another endpoint or account than the one before; a "
        "worker has one, start one for each"
    );
    EXPECT_EQ(
        error_of({"SQS_A_DLQ_URL=http://host/1/a"}),
        "environment: SQS_A_DLQ_URL: belongs to no queue, SQS_A_QUEUE_URL is not set"
    );
    EXPECT_EQ(
        error_of({"SQS_A_QUEUE_URL=http://host/1/a", "SQS_A_DLQ_URL=http://host/2/d"}),
        "environment: SQS_A_DLQ_URL: is at another endpoint or account than its queue"
    );
}

}  // namespace
}  // namespace tranter::cli
