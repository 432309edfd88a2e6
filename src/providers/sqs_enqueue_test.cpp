#include "providers/sqs_message.hpp"
#include "providers/test_sqs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tranter::providers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class SqsEnqueueTest : public testing::Test {
  protected:
    Result<std::vector<Enqueued>> enqueue(NewJob job) {
        if (job.type.empty()) job.type = "t";
        return store_->enqueue("mail", {&job, 1});
    }
    Result<std::vector<Enqueued>> enqueue_many(std::size_t count, std::string payload = "1") {
        const std::vector<NewJob> jobs(count, {.type = "t", .payload = std::move(payload)});
        return store_->enqueue("mail", jobs);
    }
    const aws::Json& sent(std::size_t index = 0) {
        return sqs_.queues["mail"].messages.at(index).entry;
    }
    std::string attribute(std::string_view name) {
        return std::string(sent()["MessageAttributes"][name]["StringValue"].text());
    }
    void add_queue(const std::string& name, std::string_view redrive_policy = "") {
        aws::Json attributes;
        attributes.set("MaximumMessageSize", "1048576");
        if (!redrive_policy.empty()) attributes.set("RedrivePolicy", redrive_policy);
        sqs_.queues[name].attributes = std::move(attributes);
    }

    TestSqs sqs_{};
    std::shared_ptr<Provider> store_ = open_test_sqs(sqs_);
};

TEST_F(SqsEnqueueTest, SendsAMessageThatAnyConsumerCanRead) {
    const auto done = enqueue(
        {.type = "email.welcome",
         .payload = R"({"to":"a"})",
         .delay = Milliseconds(1500),
         .options = {.group = "acme", .timeout = seconds(90), .tags = {"x"}}}
    );

    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->at(0).id, sqs_.queues["mail"].messages.at(0).id);
    EXPECT_EQ(sent()["MessageBody"].text(), R"({"to":"a"})");
    EXPECT_EQ(sent()["MessageGroupId"].text(), "acme");
    EXPECT_EQ(sent()["DelaySeconds"].number(), 2);
    EXPECT_TRUE(sent()["MessageDeduplicationId"].is_null());
    EXPECT_EQ(attribute("tranter.delay"), "2");
    EXPECT_EQ(attribute("type"), "email.welcome");
    EXPECT_EQ(attribute("tranter.options"), R"({"timeout":"90s","tags":["x"]})");
}

TEST_F(SqsEnqueueTest, SendsTheTraceInBothForms) {
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    ASSERT_TRUE(enqueue({.options = {.traceparent = trace, .tracestate = "a=b"}}));

    EXPECT_EQ(attribute("traceparent"), trace);
    EXPECT_EQ(attribute("tracestate"), "a=b");
    EXPECT_EQ(attribute("tranter.options"), "");
    const aws::Json& system = sent()["MessageSystemAttributes"]["AWSTraceHeader"];
    EXPECT_EQ(system["DataType"].text(), "String");
    EXPECT_EQ(
        system["StringValue"].text(),
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"
    );
}

TEST_F(SqsEnqueueTest, SendsNothingThatIsAsUsual) {
    ASSERT_TRUE(enqueue({}));

    EXPECT_EQ(sent()["MessageAttributes"].members().size(), 1U);
    EXPECT_TRUE(sent()["DelaySeconds"].is_null());
    EXPECT_TRUE(sent()["MessageGroupId"].is_null());
}

TEST_F(SqsEnqueueTest, KeepsAnIdThatTheCallerChose) {
    const std::string id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10";

    EXPECT_EQ(enqueue({.id = id}).value().at(0).id, id);
    EXPECT_EQ(attribute("tranter.id"), id);
}

TEST_F(SqsEnqueueTest, MakesAQueueWithADeadLetterQueue) {
    ASSERT_TRUE(enqueue({}));

    const aws::Json& made = sqs_.queues["mail"].attributes;
    EXPECT_EQ(made["MessageRetentionPeriod"].text(), "1209600");
    EXPECT_EQ(
        made["RedrivePolicy"].text(),
        R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:mail-dlq","maxReceiveCount":"25"})"
    );
    ASSERT_TRUE(sqs_.queues.contains("mail-dlq"));
    EXPECT_TRUE(sqs_.queues["mail-dlq"].attributes["RedrivePolicy"].is_null());
    const NewJob job{.type = "t"};
    EXPECT_TRUE(store_->enqueue("x-dlq", {&job, 1}));
    EXPECT_FALSE(sqs_.queues.contains("x-dlq-dlq"));
}

TEST_F(SqsEnqueueTest, MakesNothingWhenTheUrlNamesAQueue) {
    store_ = open_test_sqs(sqs_, "sqs:http://127.0.0.1:9324/000000000000/mail");

    const auto missing = enqueue({});
    const NewJob job{.type = "t"};
    const auto other = store_->enqueue("other", {&job, 1});

    EXPECT_EQ(missing.error().code(), Errc::not_found);
    EXPECT_EQ(other.error().code(), Errc::invalid_argument);
    EXPECT_THAT(other.error().message(), HasSubstr("names mail only"));
    EXPECT_TRUE(sqs_.queues.empty());
}

TEST_F(SqsEnqueueTest, SaysWhenAQueueMayNotBeMade) {
    sqs_.instead = [](const SqsCall& call) -> std::optional<Result<aws::Json>> {
        if (call.action != "CreateQueue") return std::nullopt;
        return fail(Errc::permission_denied, "CreateQueue at http://test: AccessDenied: no");
    };

    const auto refused = enqueue({});

    EXPECT_EQ(refused.error().code(), Errc::permission_denied);
    EXPECT_THAT(
        refused.error().message(), AllOf(HasSubstr("is not there"), HasSubstr("AccessDenied"))
    );
}

TEST_F(SqsEnqueueTest, WorksWhereAttributesMayNotBeAskedFor) {
    add_queue("mail");
    sqs_.instead = [](const SqsCall& call) -> std::optional<Result<aws::Json>> {
        if (call.action != "GetQueueAttributes") return std::nullopt;
        return fail(Errc::permission_denied, "AccessDenied: no");
    };

    EXPECT_TRUE(enqueue({}));
}

TEST_F(SqsEnqueueTest, SendsTenJobsWithACallInTheirOrder) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 25; ++i) {
        jobs.push_back({.type = "t", .payload = std::to_string(i)});
    }

    const auto done = store_->enqueue("mail", jobs).value();

    EXPECT_EQ(sqs_.calls_of("SendMessageBatch"), 3U);
    ASSERT_EQ(done.size(), 25U);
    for (std::size_t i = 0; i < 25; ++i) {
        EXPECT_EQ(sent(i)["MessageBody"].text(), std::to_string(i));
        EXPECT_EQ(done[i].id, sqs_.queues["mail"].messages[i].id);
    }
}

TEST_F(SqsEnqueueTest, FillsACallWithOneMebibyteAtMost) {
    ASSERT_TRUE(enqueue_many(6, '"' + std::string(400'000, 'x') + '"'));

    EXPECT_EQ(sqs_.calls_of("SendMessageBatch"), 3U);
}

TEST_F(SqsEnqueueTest, SendsLessAtATimeToAnEndpointThatTakesLess) {
    sqs_.instead = [](const SqsCall& call) -> std::optional<Result<aws::Json>> {
        const bool large = call.action == "SendMessageBatch" && call.input.dump().size() > 300'000;
        if (!large) return std::nullopt;
        return fail(Errc::invalid_argument, "AWS.SimpleQueueService.BatchRequestTooLong: no");
    };

    const auto done = enqueue_many(8, '"' + std::string(120'000, 'x') + '"');

    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(sqs_.queues["mail"].messages.size(), 8U);
}

TEST_F(SqsEnqueueTest, RefusesAJobThatTheQueueDoesNotTake) {
    aws::Json attributes;
    sqs_.queues["mail"].attributes = attributes.set("MaximumMessageSize", "1024");

    const auto refused = enqueue({.payload = '"' + std::string(1100, 'x') + '"'});

    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_THAT(
        refused.error().message(),
        AllOf(HasSubstr("1113 bytes"), HasSubstr("queue mail at http://test takes 1024"))
    );
    EXPECT_EQ(sqs_.calls_of("SendMessageBatch"), 0U);
}

TEST_F(SqsEnqueueTest, LeavesOutAsMuchOfTheTraceAsDoesNotFit) {
    aws::Json attributes;
    sqs_.queues["mail"].attributes = attributes.set("MaximumMessageSize", "1024");
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const std::string state = "vendor=" + std::string(100, 's');
    const auto enqueue_with = [&](std::size_t payload_bytes) {
        sqs_.queues["mail"].messages.clear();
        return enqueue(
            {.payload = '"' + std::string(payload_bytes - 2, 'x') + '"',
             .options = {.traceparent = trace, .tracestate = state}}
        );
    };
    // Each attribute is its name, "String" and its value.
    const std::size_t type_bytes = 4 + 6 + 1;
    const std::size_t trace_bytes = 11 + 6 + trace.size();
    const std::size_t state_bytes = 10 + 6 + state.size();

    ASSERT_TRUE(enqueue_with(1024 - type_bytes - trace_bytes - state_bytes));
    EXPECT_EQ(attribute("tracestate"), state);
    EXPECT_EQ(attribute("traceparent"), trace);
    ASSERT_TRUE(enqueue_with(1024 - type_bytes - trace_bytes - state_bytes + 1));
    EXPECT_EQ(attribute("tracestate"), "");
    EXPECT_EQ(attribute("traceparent"), trace);
    ASSERT_TRUE(enqueue_with(1024 - type_bytes));
    EXPECT_EQ(attribute("traceparent"), "");
    EXPECT_FALSE(sent()["MessageSystemAttributes"]["AWSTraceHeader"].is_null());
    EXPECT_FALSE(enqueue_with(1024 - type_bytes + 1));
}

TEST_F(SqsEnqueueTest, SaysWhichJobsWereSentWhenOneIsRefused) {
    sqs_.refuse = [](std::string_view, const aws::Json& entry) {
        return entry["MessageBody"].text() == "13" ? "InvalidMessageContents" : "";
    };
    std::vector<NewJob> jobs;
    for (int i = 0; i < 25; ++i) {
        jobs.push_back({.type = "t", .payload = std::to_string(i)});
    }

    const auto refused = store_->enqueue("mail", jobs);

    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_THAT(
        refused.error().message(),
        AllOf(
            HasSubstr("jobs[13]: SendMessageBatch at http://test: InvalidMessageContents"),
            HasSubstr("of 25 jobs these were enqueued: 0 to 12, 14 to 19")
        )
    );
    EXPECT_EQ(sqs_.queues["mail"].messages.size(), 19U);
}

TEST_F(SqsEnqueueTest, SendsAgainWhatWasThrottled) {
    int tries = 0;
    sqs_.refuse = [&](std::string_view, const aws::Json&) {
        return ++tries == 1 ? "ThrottlingException" : "";
    };

    EXPECT_TRUE(enqueue({}));

    EXPECT_EQ(tries, 2);
    EXPECT_EQ(sqs_.queues["mail"].messages.size(), 1U);
}

TEST_F(SqsEnqueueTest, ChecksAllJobsBeforeItSendsOne) {
    const std::vector<NewJob> jobs{{.type = "t"}, {.type = "t", .payload = "{"}};

    const auto refused = store_->enqueue("mail", jobs);

    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_THAT(refused.error().message(), HasSubstr("jobs[1]: payload is '{', expected JSON"));
    EXPECT_EQ(sqs_.calls_of("SendMessageBatch"), 0U);
}

TEST_F(SqsEnqueueTest, GoesOnWhenTheQueueWasDeletedMeanwhile) {
    ASSERT_TRUE(enqueue({}));
    sqs_.queues.clear();

    const auto again = enqueue({});

    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(sqs_.queues["mail"].messages.size(), 1U);
}

TEST_F(SqsEnqueueTest, TellsTheGroupInAnAttributeWhereMessageGroupIdIsRefused) {
    sqs_.refuse = [](std::string_view, const aws::Json& entry) {
        return entry["MessageGroupId"].is_null() ? "" : "InvalidParameterValue.MessageGroupId";
    };

    const auto done = enqueue({.options = {.group = "acme"}});
    const auto next = enqueue({.options = {.group = "acme"}});

    ASSERT_TRUE(done) << done.error().message();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_EQ(attribute("tranter.group"), "acme");
    EXPECT_EQ(sqs_.calls_of("SendMessageBatch"), 3U);
}

TEST_F(SqsEnqueueTest, RefusesWhatSqsCannotKeep) {
    for (const auto& [job, text] : std::vector<std::pair<NewJob, const char*>>{
             {{.delay = minutes(16)}, "delay is 16m"},
             {{.run_at = TimePoint(sqs_.time->now.time_since_epoch()) + minutes(16)},
              "delay is 16m"},
             {{.options = {.priority = 1}}, "priority is 1"},
             {{.options = {.dedup = Dedup{.key = "k"}}}, "dedup.key is 'k'"},
             {{.options = {.retry = {.max_attempts = 26}}}, "retry.max_attempts is 26"}}) {
        const auto refused = enqueue(job);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code(), Errc::unsupported) << text;
        EXPECT_THAT(refused.error().message(), AllOf(HasSubstr(text), HasSubstr("the sqs: store")));
    }
    EXPECT_TRUE(enqueue({.delay = minutes(15)}));
}

TEST_F(SqsEnqueueTest, GivesFifoQueuesTheIdsThatTheyWant) {
    add_queue("mail.fifo");
    const auto enqueue_fifo = [&](NewJob job) {
        job.type = "t";
        return store_->enqueue("mail.fifo", {&job, 1});
    };

    const auto no_group = enqueue_fifo({});
    const auto delayed = enqueue_fifo({.delay = seconds(1), .options = {.group = "g"}});
    ASSERT_TRUE(enqueue_fifo({.options = {.group = "g"}}));
    ASSERT_TRUE(enqueue_fifo({.options = {.group = "g", .dedup = Dedup{.key = "k 1"}}}));

    EXPECT_EQ(no_group.error().code(), Errc::invalid_argument);
    EXPECT_EQ(delayed.error().code(), Errc::unsupported);
    const auto& messages = sqs_.queues["mail.fifo"].messages;
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0].entry["MessageDeduplicationId"].text().size(), 36U);
    EXPECT_EQ(messages[1].entry["MessageDeduplicationId"].text(), sqs_opaque_id("k 1"));
    EXPECT_EQ(messages[1].entry["MessageGroupId"].text(), "g");
}

TEST_F(SqsEnqueueTest, DoesNotMakeFifoQueues) {
    const NewJob job{.type = "t", .options = {.group = "g"}};

    EXPECT_EQ(store_->enqueue("new.fifo", {&job, 1}).error().code(), Errc::unsupported);
    EXPECT_TRUE(sqs_.queues.empty());
}

}  // namespace
}  // namespace tranter::providers
