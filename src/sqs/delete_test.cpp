#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class DeleteTest : public ServiceTest {
  protected:
    DeleteTest() {
        make_queue("q");
        make_queue("q.fifo", R"("ContentBasedDeduplication":"true")");
        on("q", "SendMessage", R"("MessageBody":"x")");
        on("q.fifo", "SendMessage", R"("MessageBody":"x","MessageGroupId":"g")");
    }
    TestReply& remove(std::string_view queue, std::string_view handle) {
        return on(queue, "DeleteMessage", R"("ReceiptHandle":")" + std::string(handle) + "\"");
    }
    TestReply& hide(std::string_view queue, std::string_view handle, std::string_view timeout) {
        return on(
            queue,
            "ChangeMessageVisibility",
            R"("ReceiptHandle":")" + std::string(handle) + R"(","VisibilityTimeout":)" +
                std::string(timeout)
        );
    }
};

TEST_F(DeleteTest, IsIdempotent) {
    const std::string handle = receive("q");
    EXPECT_EQ(remove("q", handle).status(), 200);
    EXPECT_EQ(remove("q", handle).status(), 200);
    EXPECT_EQ(attribute("q", "ApproximateNumberOfMessagesNotVisible"), "0");
}

TEST_F(DeleteTest, OlderHandlesOfAStandardQueueDelete) {
    const std::string handle = receive("q");
    clock.advance(seconds(31));
    EXPECT_NE(receive("q"), "");
    EXPECT_EQ(remove("q", handle).status(), 200);
    clock.advance(seconds(31));
    EXPECT_EQ(receive("q"), "");
}

TEST_F(DeleteTest, RefusesHandlesThatAreNotTheQueues) {
    const std::string handle = receive("q");
    std::string flipped = handle;
    flipped[5] = flipped[5] == 'A' ? 'B' : 'A';
    EXPECT_EQ(
        remove("q", "garbage").message(),
        "The input receipt handle \"garbage\" is not a valid receipt handle."
    );
    for (const std::string& bad : {flipped, handle + "A", std::string(1'000'000, 'A')}) {
        EXPECT_EQ(remove("q", bad).code(), "ReceiptHandleIsInvalid");
    }
    EXPECT_EQ(remove("q.fifo", handle).code(), "ReceiptHandleIsInvalid");
    EXPECT_EQ(remove("q", "").code(), "MissingParameter");
}

TEST_F(DeleteTest, ExpiredHandlesOfAFifoQueueAreRefused) {
    const std::string handle = receive("q.fifo");
    clock.advance(seconds(31));
    EXPECT_EQ(
        remove("q.fifo", handle).message(),
        "Value " + handle +
            " for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    );
}

TEST_F(DeleteTest, BatchesFailEntryByEntry) {
    const std::string handle = receive("q");
    const TestReply& reply =
        on("q",
           "DeleteMessageBatch",
           R"("Entries":[{"Id":"a","ReceiptHandle":")" + handle +
               R"("},{"Id":"b","ReceiptHandle":"garbage"}])");
    EXPECT_EQ(reply.status(), 200);
    EXPECT_EQ(reply.at("Successful"), R"([{"Id":"a"}])");
    EXPECT_EQ(reply.at("Failed/0/Code"), "ReceiptHandleIsInvalid");
    EXPECT_EQ(reply.at("Failed/0/SenderFault"), "true");
    EXPECT_EQ(
        on("q", "DeleteMessageBatch", R"("Entries":[])").message(),
        "There should be at least one DeleteMessageBatchRequestEntry in the request."
    );
}

TEST_F(DeleteTest, VisibilityCanBeChanged) {
    const std::string handle = receive("q");
    EXPECT_EQ(hide("q", handle, "100").status(), 200);
    clock.advance(seconds(31));
    EXPECT_EQ(receive("q"), "");
    EXPECT_EQ(hide("q", handle, "\"0\"").status(), 200);
    EXPECT_NE(receive("q"), "");
}

TEST_F(DeleteTest, VisibilityIsChecked) {
    const std::string handle = receive("q");
    EXPECT_EQ(
        hide("q", handle, "43201").message(),
        "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and "
        "43200."
    );
    clock.advance(seconds(10));
    EXPECT_EQ(
        hide("q", handle, "43200").message(),
        "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
        "for the message is beyond the limit [43200 seconds]."
    );
    EXPECT_EQ(hide("q", "x", "1").code(), "ReceiptHandleIsInvalid");
    EXPECT_EQ(
        on("q", "ChangeMessageVisibility", R"("ReceiptHandle":")" + handle + "\"").code(),
        "MissingParameter"
    );
    remove("q", handle);
    EXPECT_EQ(
        hide("q", handle, "1").message(),
        "Value " + handle +
            " for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
            "available for visibility timeout change."
    );
}

TEST_F(DeleteTest, VisibilityOfALapsedFifoDeliveryIsNotInFlight) {
    const std::string handle = receive("q.fifo");
    clock.advance(seconds(31));
    EXPECT_EQ(hide("q.fifo", handle, "10").code(), "AWS.SimpleQueueService.MessageNotInflight");
}

TEST_F(DeleteTest, VisibilityBatchesFailEntryByEntry) {
    const std::string handle = receive("q");
    const std::string form =
        "Action=ChangeMessageVisibilityBatch&QueueUrl=q"
        "&ChangeMessageVisibilityBatchRequestEntry.1.Id=a"
        "&ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle=" +
        handle +
        "&ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout=0"
        "&ChangeMessageVisibilityBatchRequestEntry.2.Id=b"
        "&ChangeMessageVisibilityBatchRequestEntry.2.ReceiptHandle=" +
        handle + "&ChangeMessageVisibilityBatchRequestEntry.2.VisibilityTimeout=99999";
    const TestReply& reply = query(form);
    EXPECT_THAT(
        reply.body(),
        HasSubstr("<ChangeMessageVisibilityBatchResultEntry><Id>a</Id>"
                  "</ChangeMessageVisibilityBatchResultEntry><BatchResultErrorEntry><Id>b</Id>")
    );
}

}  // namespace
}  // namespace tranter::sqs
