#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using ::testing::HasSubstr;
using QueuesTest = ServiceTest;

TEST_F(QueuesTest, NamesAreChecked) {
    constexpr const char* text =
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    for (const std::string& name :
         {std::string(),
          std::string(81, 'q'),
          std::string("a/b"),
          std::string("a b"),
          std::string("a%2fb"),
          std::string("con.txt"),
          std::string("a.fifo"),
          std::string("\u043e")}) {
        const TestReply& reply = json("CreateQueue", R"({"QueueName":")" + name + R"("})");
        EXPECT_EQ(reply.code(), "InvalidParameterValue") << name;
        EXPECT_EQ(reply.message(), text);
    }
    EXPECT_EQ(
        json("CreateQueue", "{}").message(), "The request must contain the parameter QueueName."
    );
    EXPECT_EQ(
        json("CreateQueue", R"({"QueueName":"a","Attributes":{"FifoQueue":"true"}})").message(),
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
        "underscores, must end with .fifo suffix and be 1 to 80 in length"
    );
}

TEST_F(QueuesTest, CreatingAgainNeedsTheSameAttributes) {
    make_queue("q", R"("VisibilityTimeout":"40")");
    EXPECT_EQ(json("CreateQueue", R"({"QueueName":"q"})").status(), 200);
    make_queue("q", R"("VisibilityTimeout":"40","Policy":"")");
    const TestReply& reply =
        json("CreateQueue", R"({"QueueName":"q","Attributes":{"VisibilityTimeout":"41"}})");
    EXPECT_EQ(reply.code(), "QueueAlreadyExists");
    EXPECT_EQ(
        reply.message(),
        "A queue already exists with the same name and a different value for attribute "
        "VisibilityTimeout"
    );
    on("q", "SetQueueAttributes", R"("Attributes":{"VisibilityTimeout":"41"})");
    make_queue("q", R"("VisibilityTimeout":"41")");
}

TEST_F(QueuesTest, DeletedQueuesAreGone) {
    make_queue("q");
    EXPECT_EQ(on("q", "DeleteQueue").status(), 200);
    EXPECT_EQ(on("q", "DeleteQueue").code(), "AWS.SimpleQueueService.NonExistentQueue");
    make_queue("q");
}

TEST_F(QueuesTest, ListsArePaged) {
    for (const char* name : {"a1", "a2", "a3", "b1"})
        make_queue(name);
    const TestReply& all = json("ListQueues", "{}");
    EXPECT_EQ(all.at("QueueUrls/3"), std::string(base) + "b1");
    EXPECT_EQ(all.at("NextToken"), "");
    const TestReply& first = json("ListQueues", R"({"QueueNamePrefix":"a","MaxResults":2})");
    EXPECT_EQ(first.at("QueueUrls/1"), std::string(base) + "a2");
    EXPECT_EQ(first.at("QueueUrls/2"), "");
    const std::string token = first.at("NextToken");
    ASSERT_NE(token, "");
    const TestReply& second = json(
        "ListQueues", R"({"QueueNamePrefix":"a","MaxResults":2,"NextToken":")" + token + R"("})"
    );
    EXPECT_EQ(second.at("QueueUrls/0"), std::string(base) + "a3");
    EXPECT_EQ(second.at("NextToken"), "");
    EXPECT_EQ(json("ListQueues", R"({"QueueNamePrefix":"a","MaxResults":3})").at("NextToken"), "");
    EXPECT_EQ(json("ListQueues", R"({"QueueNamePrefix":"A"})").body(), "{}");
}

TEST_F(QueuesTest, PageSizesAndTokensAreChecked) {
    for (const char* size : {"0", "1001", "-1", "\"x\""}) {
        const TestReply& reply = json("ListQueues", R"({"MaxResults":)" + std::string(size) + "}");
        EXPECT_EQ(
            reply.message(),
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
            "between 1 and 1000."
        );
    }
    EXPECT_EQ(json("ListQueues", R"({"NextToken":"!"})").code(), "InvalidParameterValue");
}

TEST_F(QueuesTest, ListsAreFlatInXml) {
    make_queue("a");
    make_queue("b");
    EXPECT_THAT(
        query("Action=ListQueues").body(),
        HasSubstr(
            "<ListQueuesResult><QueueUrl>" + std::string(base) + "a</QueueUrl><QueueUrl>" +
            std::string(base) + "b</QueueUrl></ListQueuesResult>"
        )
    );
}

TEST_F(QueuesTest, SourcesOfADeadLetterQueueAreListed) {
    make_queue("dlq");
    for (const char* name : {"s1", "s2", "s3"}) {
        make_queue(
            name,
            R"("RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dlq\",)"
            R"(\"maxReceiveCount\":\"3\"}")"
        );
    }
    const TestReply& first = on("dlq", "ListDeadLetterSourceQueues", R"("MaxResults":2)");
    EXPECT_EQ(first.at("queueUrls/1"), std::string(base) + "s2");
    const std::string token = first.at("NextToken");
    EXPECT_EQ(
        on("dlq", "ListDeadLetterSourceQueues", R"("MaxResults":2,"NextToken":")" + token + '"')
            .at("queueUrls/0"),
        std::string(base) + "s3"
    );
    EXPECT_EQ(on("s1", "ListDeadLetterSourceQueues").body(), "{}");
}

TEST_F(QueuesTest, AQueueThatSendsOnlyDeadJobsIsNoSourceButTheyCanBeMovedBack) {
    make_queue("q-dlq");
    ASSERT_TRUE(broker.create_queue("q", {.dead_letter_queue = "q-dlq"}));

    EXPECT_EQ(attribute("q", "RedrivePolicy"), "");
    EXPECT_EQ(on("q-dlq", "ListDeadLetterSourceQueues").body(), "{}");
    EXPECT_EQ(
        json("StartMessageMoveTask", R"({"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q-dlq"})")
            .status(),
        200
    );
}

TEST_F(QueuesTest, PurgeDropsEverything) {
    make_queue("q");
    on("q", "SendMessage", R"("MessageBody":"x")");
    const std::string handle = receive("q");
    on("q", "SendMessage", R"("MessageBody":"y","DelaySeconds":60)");
    EXPECT_EQ(on("q", "PurgeQueue").status(), 200);
    for (const char* name :
         {"ApproximateNumberOfMessages",
          "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesDelayed"}) {
        EXPECT_EQ(attribute("q", name), "0") << name;
    }
    EXPECT_EQ(on("q", "DeleteMessage", R"("ReceiptHandle":")" + handle + '"').status(), 200);
}

TEST_F(QueuesTest, TagsAreKeptWithTheQueue) {
    json("CreateQueue", R"({"QueueName":"q","tags":{"a":"1","empty":""}})");
    EXPECT_EQ(on("q", "ListQueueTags").body(), R"({"Tags":{"a":"1","empty":""}})");
    on("q", "TagQueue", R"("Tags":{"a":"2","b":"3"})");
    on("q", "UntagQueue", R"("TagKeys":["empty","absent"])");
    EXPECT_EQ(on("q", "ListQueueTags").body(), R"({"Tags":{"a":"2","b":"3"}})");
    EXPECT_THAT(
        query("Action=ListQueueTags&QueueUrl=q").body(),
        HasSubstr("<Tag><Key>a</Key><Value>2</Value></Tag><Tag><Key>b</Key>")
    );
    on("q", "UntagQueue", R"("TagKeys":["a","b"])");
    EXPECT_EQ(on("q", "ListQueueTags").body(), "{}");
}

TEST_F(QueuesTest, AQueueHasFiftyTagsAtMost) {
    const auto tags = [](int from, int to) {
        std::string text;
        for (int i = from; i < to; ++i) {
            text += (i == from ? "\"k" : ",\"k") + std::to_string(i) + R"(":"v")";
        }
        return text;
    };
    const auto create = [&](int count) -> TestReply& {
        return json("CreateQueue", R"({"QueueName":"q","tags":{)" + tags(0, count) + "}}");
    };
    EXPECT_EQ(create(51).code(), "InvalidParameterValue");
    EXPECT_EQ(create(49).status(), 200);

    EXPECT_EQ(on("q", "TagQueue", R"("Tags":{)" + tags(40, 50) + "}").status(), 200);
    const TestReply& refused = on("q", "TagQueue", R"("Tags":{"k0":"w","k50":"v"})");
    EXPECT_EQ(refused.code(), "InvalidParameterValue");
    EXPECT_EQ(refused.message(), "Too many tags added for queue q.");
    EXPECT_EQ(on("q", "ListQueueTags").at("Tags/k0"), "v");
    EXPECT_EQ(on("q", "ListQueueTags").at("Tags/k50"), "");
}

TEST_F(QueuesTest, TagsOfAwsAreReserved) {
    make_queue("q");
    for (const char* key : {"aws:x", "AWS:x", "Aws:"}) {
        const std::string tags = "{\"" + std::string(key) + R"(":"v"})";
        EXPECT_EQ(on("q", "TagQueue", R"("Tags":)" + tags).code(), "InvalidParameterValue") << key;
        EXPECT_EQ(
            json("CreateQueue", R"({"QueueName":"r","tags":)" + tags + "}").code(),
            "InvalidParameterValue"
        ) << key;
    }
    EXPECT_EQ(on("q", "TagQueue", R"("Tags":{"aws":"v","awsx:y":"v"})").status(), 200);
    EXPECT_EQ(on("q", "UntagQueue", R"("TagKeys":["aws:x"])").status(), 200);
}

TEST_F(QueuesTest, TagsAreChecked) {
    make_queue("q");
    EXPECT_EQ(on("q", "TagQueue").message(), "The request must contain the parameter Tags.");
    EXPECT_EQ(on("q", "TagQueue", R"("Tags":{})").code(), "MissingParameter");
    EXPECT_EQ(
        on("q", "UntagQueue", R"("TagKeys":[])").message(),
        "Tag keys must be between 1 and 128 characters in length."
    );
    EXPECT_EQ(on("q", "TagQueue", R"("Tags":{"":"x"})").code(), "InvalidParameterValue");
    EXPECT_EQ(
        on("q", "TagQueue", R"("Tags":{"k":")" + std::string(257, 'v') + R"("})").code(),
        "InvalidParameterValue"
    );
}

TEST_F(QueuesTest, PermissionsEditThePolicy) {
    make_queue("q");
    const auto add = [&](std::string_view label) -> TestReply& {
        return on(
            "q",
            "AddPermission",
            R"("Label":")" + std::string(label) +
                R"(","AWSAccountIds":["111122223333"],"Actions":["SendMessage"])"
        );
    };
    EXPECT_EQ(add("L").status(), 200);
    EXPECT_THAT(attribute("q", "Policy"), HasSubstr(R"("Sid":"L","Effect":"Allow")"));
    EXPECT_EQ(
        add("L").message(), "Value L for parameter Label is invalid. Reason: Already exists."
    );
    EXPECT_EQ(
        on("q", "RemovePermission", R"("Label":"M")").message(),
        "Value M for parameter Label is invalid. Reason: can't find label."
    );
    EXPECT_EQ(on("q", "RemovePermission", R"("Label":"L")").status(), 200);
    EXPECT_EQ(attribute("q", "Policy"), "");
}

TEST_F(QueuesTest, PermissionsAreChecked) {
    make_queue("q");
    const auto add = [&](const char* actions) -> TestReply& {
        return on(
            "q",
            "AddPermission",
            R"("Label":"L","AWSAccountIds":["111122223333"],"Actions":)" + std::string(actions)
        );
    };
    EXPECT_EQ(
        add(R"(["Nope"])").message(),
        "Value SQS:Nope for parameter ActionName is invalid. Reason: Please refer to the "
        "appropriate WSDL for a list of valid actions. "
    );
    EXPECT_EQ(
        add(R"(["RemovePermission"])").message(),
        "Value SQS:RemovePermission for parameter ActionName is invalid. Reason: Only the queue "
        "owner is allowed to invoke this action."
    );
    const TestReply& eight = add(R"(["*","*","*","*","*","*","*","*"])");
    EXPECT_EQ(eight.status(), 403);
    EXPECT_EQ(eight.message(), "8 Actions were found, maximum allowed is 7.");
    EXPECT_EQ(add("[]").code(), "MissingParameter");
    EXPECT_EQ(
        on("q", "AddPermission", R"("Label":"L","Actions":["*"])").code(), "MissingParameter"
    );
    EXPECT_THAT(
        query("Action=AddPermission&QueueUrl=q&Label=X&AWSAccountId.1=111122223333&ActionName.1=*")
            .body(),
        HasSubstr("AddPermissionResponse")
    );
}

}  // namespace
}  // namespace tranter::sqs
