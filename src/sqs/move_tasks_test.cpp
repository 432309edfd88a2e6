#include "base/encoding.hpp"
#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using ::testing::HasSubstr;

class MoveTasksTest : public ServiceTest {
  protected:
    MoveTasksTest() {
        make_queue("dlq");
        make_queue("other");
        make_queue(
            "src",
            R"("VisibilityTimeout":"0","RedrivePolicy":"{\"deadLetterTargetArn\":)"
            R"(\"arn:aws:sqs:us-east-1:000000000000:dlq\",\"maxReceiveCount\":1}")"
        );
    }
    void bury(int count) {
        for (int i = 0; i < count; ++i)
            on("src", "SendMessage", R"("MessageBody":"x")");
        for (int i = 0; i < 2; ++i)
            on("src", "ReceiveMessage", R"("MaxNumberOfMessages":10)");
    }
    static std::string arn(std::string_view queue) {
        return "arn:aws:sqs:us-east-1:000000000000:" + std::string(queue);
    }
    TestReply& start(std::string_view members) {
        return json(
            "StartMessageMoveTask",
            R"({"SourceArn":")" + arn("dlq") + "\"" + std::string(members) + "}"
        );
    }
    TestReply& list(std::string_view members = "") {
        return json(
            "ListMessageMoveTasks",
            R"({"SourceArn":")" + arn("dlq") + "\"" + std::string(members) + "}"
        );
    }
    TestReply& cancel(std::string_view handle) {
        return json("CancelMessageMoveTask", R"({"TaskHandle":")" + std::string(handle) + "\"}");
    }
    void run() {
        for (int i = 0; i < 100; ++i) {
            clock.advance(std::chrono::milliseconds(100));
            broker.run_due();
        }
    }
};

TEST_F(MoveTasksTest, DeadLettersGoBack) {
    bury(3);
    EXPECT_EQ(attribute("dlq", "ApproximateNumberOfMessages"), "3");
    const std::string handle = start("").at("TaskHandle");
    const auto decoded = from_base64(handle);
    ASSERT_TRUE(decoded);
    EXPECT_THAT(*decoded, HasSubstr(R"("sourceArn":"arn:aws:sqs:us-east-1:000000000000:dlq")"));
    run();
    EXPECT_EQ(attribute("src", "ApproximateNumberOfMessages"), "3");
    const TestReply& done = list();
    EXPECT_EQ(done.at("Results/0/Status"), "COMPLETED");
    EXPECT_EQ(done.at("Results/0/ApproximateNumberOfMessagesMoved"), "3");
    EXPECT_EQ(done.at("Results/0/ApproximateNumberOfMessagesToMove"), "3");
    EXPECT_EQ(done.at("Results/0/TaskHandle"), "");
    EXPECT_EQ(done.at("Results/0/DestinationArn"), "");
    EXPECT_EQ(done.at("Results/0/SourceArn"), arn("dlq"));
    EXPECT_EQ(cancel(handle).message(), "Task does not exist.");
    EXPECT_EQ(cancel(handle).status(), 404);
}

TEST_F(MoveTasksTest, RunningTasksCanBeListedAndCancelled) {
    bury(5);
    const std::string handle =
        start(R"(,"DestinationArn":")" + arn("other") + R"(","MaxNumberOfMessagesPerSecond":1)")
            .at("TaskHandle");
    ASSERT_NE(handle, "");
    EXPECT_EQ(
        start("").message(),
        "There is already a task running. Only one active task is allowed for a source queue arn "
        "at a given time."
    );
    const TestReply& running = list(R"(,"MaxResults":10)");
    EXPECT_EQ(running.at("Results/0/Status"), "RUNNING");
    EXPECT_EQ(running.at("Results/0/TaskHandle"), handle);
    EXPECT_EQ(running.at("Results/0/DestinationArn"), arn("other"));
    EXPECT_EQ(running.at("Results/0/MaxNumberOfMessagesPerSecond"), "1");
    const TestReply& cancelled = cancel(handle);
    EXPECT_EQ(cancelled.status(), 200) << cancelled.body();
    EXPECT_NE(cancelled.at("ApproximateNumberOfMessagesMoved"), "");
    EXPECT_THAT(list().at("Results/0/Status"), HasSubstr("CANCEL"));
}

TEST_F(MoveTasksTest, ArnsAreChecked) {
    const auto start_from = [&](std::string_view source) -> TestReply& {
        return json("StartMessageMoveTask", R"({"SourceArn":")" + std::string(source) + "\"}");
    };
    EXPECT_EQ(start_from("arn:::::").status(), 400);
    const TestReply& missing = start_from(arn("missing"));
    EXPECT_EQ(missing.status(), 404);
    EXPECT_EQ(
        missing.message(),
        "The resource that you specified for the SourceArn parameter doesn't exist."
    );
    EXPECT_EQ(
        start_from(arn("other")).message(),
        "Source queue must be configured as a Dead Letter Queue."
    );
    const TestReply& destination = start(R"(,"DestinationArn":")" + arn("missing") + "\"");
    EXPECT_EQ(destination.status(), 404);
    EXPECT_EQ(
        destination.message(),
        "The resource that you specified for the DestinationArn parameter doesn't exist."
    );
    EXPECT_EQ(start(R"(,"MaxNumberOfMessagesPerSecond":501)").code(), "InvalidParameterValue");
    EXPECT_EQ(list(R"(,"MaxResults":11)").code(), "InvalidParameterValue");
    EXPECT_EQ(list().body(), "{}");
}

TEST_F(MoveTasksTest, TheDestinationIsAnotherQueueOfTheSameType) {
    make_queue("f.fifo");
    bury(1);
    for (const char* name : {"dlq", "f.fifo"}) {
        const TestReply& refused = start(R"(,"DestinationArn":")" + arn(name) + "\"");
        EXPECT_EQ(refused.status(), 400) << name;
        EXPECT_EQ(refused.code(), "InvalidParameterValue") << name;
        EXPECT_THAT(refused.message(), HasSubstr("Value " + arn(name) + " for parameter")) << name;
    }
    EXPECT_EQ(list().body(), "{}");
    EXPECT_EQ(start(R"(,"DestinationArn":")" + arn("other") + "\"").status(), 200);
}

TEST_F(MoveTasksTest, HandlesAreChecked) {
    EXPECT_EQ(cancel("x").message(), "Value for parameter TaskHandle is invalid.");
    EXPECT_EQ(cancel(to_base64("{}")).code(), "InvalidParameterValue");
    EXPECT_EQ(
        cancel(to_base64(R"({"taskId":"t","sourceArn":")" + arn("missing") + "\"}")).message(),
        "The resource that you specified for the SourceArn parameter doesn't exist."
    );
    EXPECT_EQ(
        cancel(to_base64(R"({"taskId":"t","sourceArn":")" + arn("dlq") + "\"}")).message(),
        "Task does not exist."
    );
}

}  // namespace
}  // namespace tranter::sqs
