#include "sqs/test_service.hpp"

#include <gmock/gmock.h>

namespace tranter::sqs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ServiceTest, JsonAnswersHaveTypeAndRequestId) {
    make_queue("q1");
    const TestReply& reply = json("GetQueueUrl", R"({"QueueName":"q1"})");
    EXPECT_EQ(reply.status(), 200);
    EXPECT_EQ(reply.answer.content_type, "application/x-amz-json-1.0");
    EXPECT_THAT(reply.answer.headers, StartsWith("x-amzn-RequestId: "));
    EXPECT_EQ(reply.body(), R"({"QueueUrl":"http://127.0.0.1:9324/000000000000/q1"})");
}

TEST_F(ServiceTest, XmlAnswersAreTheSameInTheOtherProtocol) {
    make_queue("q1");
    const TestReply& reply = query("Action=GetQueueUrl&QueueName=q1&Version=2012-11-05");
    EXPECT_EQ(reply.status(), 200);
    EXPECT_EQ(reply.answer.content_type, "text/xml");
    EXPECT_THAT(
        reply.body(),
        HasSubstr("<GetQueueUrlResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
                  "<GetQueueUrlResult><QueueUrl>http://127.0.0.1:9324/000000000000/q1</QueueUrl>"
                  "</GetQueueUrlResult><ResponseMetadata><RequestId>")
    );
}

TEST_F(ServiceTest, ActionsWithoutOutputAnswerNothing) {
    make_queue("q1");
    EXPECT_EQ(on("q1", "PurgeQueue").body(), "");
    EXPECT_THAT(
        query("Action=PurgeQueue&QueueUrl=q1").body(), HasSubstr("2012-11-05/\"><ResponseMetadata>")
    );
}

TEST_F(ServiceTest, ErrorsCarryBothCodes) {
    const TestReply& reply = json("GetQueueUrl", R"({"QueueName":"nope"})");
    EXPECT_EQ(reply.status(), 400);
    EXPECT_THAT(
        reply.answer.headers,
        HasSubstr("x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n")
    );
    EXPECT_EQ(
        reply.body(),
        R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist",)"
        R"("message":"The specified queue does not exist."})"
    );
}

TEST_F(ServiceTest, XmlErrorsUseTheLegacyCodeAndText) {
    const TestReply& reply = query("Action=GetQueueUrl&QueueName=nope");
    EXPECT_EQ(reply.status(), 400);
    EXPECT_THAT(
        reply.body(),
        HasSubstr("<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>"
                  "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
                  "<Message>The specified queue does not exist for this wsdl version.</Message>"
                  "<Detail/></Error><RequestId>")
    );
}

TEST_F(ServiceTest, HostileTextIsEscapedInErrors) {
    const TestReply& reply =
        query("Action=SendMessage&QueueUrl=javascript:%3C/Message%3E%3Cscript%3E");
    EXPECT_EQ(reply.status(), 400);
    EXPECT_THAT(reply.body(), Not(HasSubstr("<script>")));
}

TEST_F(ServiceTest, ErrorsAreUtf8WhateverTheClientSent) {
    const TestReply& reply =
        send({.body = "{}", .headers = {{"X-Amz-Target", "AmazonSQS.\xff\x80"}}});
    EXPECT_EQ(reply.message(), "The action ?? is not valid for this endpoint.");
    EXPECT_THAT(query("Action=%FF").body(), HasSubstr("The action ? is not valid"));
}

TEST_F(ServiceTest, UnknownActionsAreRefusedInBothProtocols) {
    const TestReply& reply = json("NoSuchAction", "{}");
    EXPECT_EQ(reply.status(), 400);
    EXPECT_EQ(reply.at("__type"), "com.amazon.coral.service#UnknownOperationException");
    EXPECT_EQ(reply.message(), "The action NoSuchAction is not valid for this endpoint.");
    EXPECT_THAT(query("Action=DropTables").body(), HasSubstr("<Code>InvalidAction</Code>"));
    EXPECT_EQ(
        send({.body = "{}", .headers = {{"X-Amz-Target", "DynamoDB_20120810.PutItem"}}}).code(),
        "InvalidAction"
    );
}

TEST_F(ServiceTest, TheTargetMustStandThereOnce) {
    const TestReply& twice = send(
        {.body = "{}",
         .headers =
             {{"X-Amz-Target", "AmazonSQS.ListQueues"}, {"x-amz-target", "AmazonSQS.PurgeQueue"}}}
    );
    EXPECT_EQ(twice.status(), 400);
    const TestReply& none =
        send({.body = "{}", .headers = {{"Content-Type", "application/x-amz-json-1.0"}}});
    EXPECT_EQ(none.status(), 400);
}

TEST_F(ServiceTest, AnyPathTakesJson) {
    make_queue("q1");
    const TestReply& reply = send(
        {.path = "/000000000000/q1",
         .body = R"({"MessageBody":"x"})",
         .headers = {{"x-amz-target", "AmazonSQS.SendMessage"}}}
    );
    EXPECT_EQ(reply.status(), 200) << reply.body();
}

TEST_F(ServiceTest, QueryParametersMayStandInTheUrl) {
    make_queue("q1");
    const TestReply& get =
        send({.method = "GET", .path = "/000000000000/q1", .query = "Action=GetQueueAttributes"});
    EXPECT_EQ(get.status(), 200);
    EXPECT_THAT(get.body(), HasSubstr("<GetQueueAttributesResult></GetQueueAttributesResult>"));
}

TEST_F(ServiceTest, NoPageMakesABrowserChangeAnythingByGet) {
    make_queue("q1");
    const auto get = [&](const std::string& action,
                         std::vector<std::pair<std::string, std::string>> headers) -> TestReply& {
        return send(
            {.method = "GET",
             .path = "/000000000000/q1",
             .query = "Action=" + action,
             .headers = std::move(headers)}
        );
    };
    const std::vector<std::pair<std::string, std::string>> of_browsers{
        {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"},
        {"Sec-Fetch-Dest", "image"},
        {"Referer", "http://evil.example/"}};
    for (const auto& header : of_browsers) {
        for (const char* action :
             {"SendMessage&MessageBody=x", "PurgeQueue", "ReceiveMessage", "DeleteQueue"}) {
            const TestReply& refused = get(action, {header});
            EXPECT_EQ(refused.status(), 403) << header.first << " " << action;
            EXPECT_THAT(refused.body(), HasSubstr("<Code>AccessDenied</Code>"));
        }
        EXPECT_EQ(get("GetQueueAttributes", {header}).status(), 200) << header.first;
    }
    EXPECT_EQ(attribute("q1", "ApproximateNumberOfMessages"), "0");

    EXPECT_EQ(get("SendMessage&MessageBody=x", {{"User-Agent", "curl/8.5.0"}}).status(), 200);
    EXPECT_EQ(get("SendMessage&MessageBody=x", {}).status(), 200);
    // The server lets it pass only from origins that are configured or our own.
    EXPECT_EQ(
        get("SendMessage&MessageBody=x", {of_browsers[0], {"Origin", "http://ours"}}).status(), 200
    );
    EXPECT_EQ(attribute("q1", "ApproximateNumberOfMessages"), "3");
}

TEST_F(ServiceTest, NoPageMakesABrowserMakeQueuesByGet) {
    ServiceOptions options;
    options.auto_create = true;
    restart(std::move(options));
    TestRequest request{
        .method = "GET", .path = "/000000000000/q1", .query = "Action=GetQueueAttributes"};

    request.headers = {{"User-Agent", "Mozilla/5.0"}};
    EXPECT_EQ(send(request).status(), 400);
    request.headers = {{"User-Agent", "curl/8.5.0"}};
    EXPECT_EQ(send(request).status(), 200);
}

TEST_F(ServiceTest, QueueUrlOverridesThePath) {
    make_queue("q1");
    make_queue("q2");
    query("Action=SendMessage&QueueUrl=http://h/0/q2&MessageBody=x", "/000000000000/q1");
    EXPECT_EQ(attribute("q1", "ApproximateNumberOfMessages"), "0");
    EXPECT_EQ(attribute("q2", "ApproximateNumberOfMessages"), "1");
}

TEST_F(ServiceTest, FormsWithoutMediaTypeAreReadWhenTheyLookLikeForms) {
    make_queue("q1");
    EXPECT_EQ(send({.body = "Action=ListQueues"}).status(), 200);
    const TestReply& plain = send(
        {.body = "Action=PurgeQueue&QueueUrl=q1",
         .headers = {{"Content-Type", "text/plain"}, {"Origin", "http://evil.example"}}}
    );
    EXPECT_EQ(plain.status(), 400);
}

TEST_F(ServiceTest, JsonOfAForeignMediaTypeIsRefusedFromPages) {
    const TestReply& reply = send(
        {.body = "{}",
         .headers =
             {{"X-Amz-Target", "AmazonSQS.ListQueues"},
              {"Content-Type", "text/plain"},
              {"Origin", "https://evil.example"}}}
    );
    EXPECT_EQ(reply.status(), 415);
}

TEST_F(ServiceTest, RequestsWithoutActionAreTold) {
    EXPECT_THAT(query("QueueUrl=x").body(), HasSubstr("<Code>MissingAction</Code>"));
    const TestReply& on_queue = query("QueueUrl=x", "/000000000000/q1");
    EXPECT_EQ(on_queue.status(), 404);
    EXPECT_EQ(on_queue.body(), "<UnknownOperationException/>\n");
}

TEST_F(ServiceTest, ListQueuesOnAQueueUrlIsInvalid) {
    make_queue("q1");
    const TestReply& reply = query("Action=ListQueues", "/000000000000/q1");
    EXPECT_EQ(reply.status(), 400);
    EXPECT_THAT(reply.body(), HasSubstr("The action ListQueues is not valid for this endpoint."));
}

TEST_F(ServiceTest, OtherMethodsAreNotAllowed) {
    const TestReply& reply = send({.method = "DELETE", .path = "/000000000000/q1"});
    EXPECT_EQ(reply.status(), 405);
    EXPECT_THAT(reply.answer.headers, HasSubstr("Allow: GET, POST\r\n"));
}

TEST_F(ServiceTest, HealthAnswersOk) {
    EXPECT_EQ(send({.method = "GET", .path = "/health"}).body(), "OK");
}

TEST_F(ServiceTest, SignaturesAreRequiredWhenConfigured) {
    ServiceOptions options;
    options.auth = {.required = true, .keys = {{"KEY", "secret"}}};
    restart(std::move(options));
    EXPECT_EQ(json("ListQueues", "{}").code(), "MissingAuthenticationToken");
    EXPECT_THAT(query("Action=ListQueues").body(), HasSubstr("MissingAuthenticationToken"));
    // The action is looked at first, as AWS does.
    EXPECT_EQ(json("Nope", "{}").code(), "InvalidAction");
}

TEST_F(ServiceTest, QueuesAreMadeAtTheirFirstUseWhenConfigured) {
    ServiceOptions options;
    options.auto_create = true;
    options.auto_create_settings.receive_wait = std::chrono::seconds(0);
    options.auto_create_settings.engine.visibility_timeout = std::chrono::seconds(7);
    options.auto_create_settings.content_based_deduplication = true;
    restart(std::move(options));
    EXPECT_EQ(json("GetQueueUrl", R"({"QueueName":"new"})").status(), 400);
    EXPECT_EQ(on("new", "DeleteQueue").status(), 400);
    EXPECT_EQ(on("new", "SendMessage", R"("MessageBody":"x")").status(), 200);
    EXPECT_EQ(attribute("new", "VisibilityTimeout"), "7");
    const TestReply& fifo =
        on("new.fifo", "SendMessage", R"("MessageBody":"x","MessageGroupId":"g")");
    EXPECT_EQ(fifo.status(), 200) << fifo.body();
    EXPECT_EQ(
        on("not%20valid", "SendMessage", R"("MessageBody":"x")").code(),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
}

TEST_F(ServiceTest, AnswersToChangesWaitUntilTheyAreDurable) {
    make_queue("q1");
    journal.hold = true;
    const TestReply& reply = on("q1", "SendMessage", R"("MessageBody":"x")");
    ASSERT_FALSE(reply.answered);
    ASSERT_EQ(journal.waiting.size(), 1U);
    journal.waiting[0](true);
    EXPECT_EQ(reply.status(), 200);
}

TEST_F(ServiceTest, ChangesThatCannotBeMadeDurableAreTheServersFault) {
    make_queue("q1");
    journal.hold = true;
    const TestReply& reply = on("q1", "SendMessage", R"("MessageBody":"x")");
    journal.waiting.at(0)(false);
    EXPECT_EQ(reply.status(), 503);
    EXPECT_THAT(reply.answer.headers, HasSubstr("ServiceUnavailable;Receiver"));
}

TEST_F(ServiceTest, AnAnswerIsCountedOnceItIsKnown) {
    make_queue("q1");
    const auto sent = [&] {
        std::map<std::string, std::uint64_t> counts;
        for (const auto& [action, code, count] : service->requests()) {
            if (action == "SendMessage" && count > 0) counts[std::string(code)] = count;
        }
        return counts;
    };
    using Counts = std::map<std::string, std::uint64_t>;
    on("q1", "SendMessage", R"("MessageBody":"x")");
    EXPECT_EQ(sent(), (Counts{{"OK", 1}}));
    journal.hold = true;
    on("q1", "SendMessage", R"("MessageBody":"x")");
    on("q1", "SendMessage", R"("MessageBody":"y")");
    EXPECT_EQ(sent(), (Counts{{"OK", 1}}));

    journal.waiting.at(0)(true);
    journal.waiting.at(1)(false);

    EXPECT_EQ(sent(), (Counts{{"OK", 2}, {"ServiceUnavailable", 1}}));
}

TEST_F(ServiceTest, ABatchWaitsOnce) {
    make_queue("q1");
    journal.hold = true;
    on("q1",
       "SendMessageBatch",
       R"("Entries":[{"Id":"a","MessageBody":"x"},{"Id":"b","MessageBody":"y"}])");
    EXPECT_EQ(journal.waiting.size(), 1U);
}

TEST_F(ServiceTest, ChangedVisibilityIsAnsweredOnceItIsWritten) {
    make_queue("q1");
    on("q1", "SendMessage", R"("MessageBody":"x")");
    const std::string handle = receive("q1");
    journal.hold = true;

    const TestReply& reply = on(
        "q1", "ChangeMessageVisibility", R"("VisibilityTimeout":5,"ReceiptHandle":")" + handle + '"'
    );

    ASSERT_FALSE(reply.answered);
    EXPECT_TRUE(journal.waiting.empty());
    journal.waiting_for_write.at(0)(true);
    EXPECT_EQ(reply.status(), 200);
}

TEST_F(ServiceTest, AReceiveIsAnsweredOnceItsLeaseIsWritten) {
    make_queue("q1");
    on("q1", "SendMessage", R"("MessageBody":"x")");
    on("q1", "SendMessage", R"("MessageBody":"y")");
    journal.hold = true;

    const TestReply& written = on("q1", "ReceiveMessage");
    const TestReply& failed = on("q1", "ReceiveMessage", R"("WaitTimeSeconds":5)");

    ASSERT_FALSE(written.answered);
    journal.waiting_for_write.at(0)(true);
    EXPECT_EQ(written.at("Messages/0/Body"), "x");
    journal.taken = broker::Accepts::nothing;
    journal.waiting_for_write.at(1)(false);
    EXPECT_EQ(failed.status(), 503);
    EXPECT_EQ(failed.message(), "The hand-out could not be recorded: the disk is gone");
}

TEST_F(ServiceTest, QueuesAndMoveTasksAreAnsweredOnceTheyAreDurable) {
    make_queue("dead");
    make_queue(
        "q1",
        R"("RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",)"
        R"(\"maxReceiveCount\":3}")"
    );
    journal.hold = true;

    const TestReply& made = json("CreateQueue", R"({"QueueName":"new"})");
    const TestReply& found = json("CreateQueue", R"({"QueueName":"new"})");
    const TestReply& moving =
        json("StartMessageMoveTask", R"({"SourceArn":"arn:aws:sqs:us-east-1:000000000000:dead"})");

    EXPECT_FALSE(made.answered);
    EXPECT_FALSE(found.answered);
    EXPECT_FALSE(moving.answered);
    ASSERT_EQ(journal.waiting.size(), 3U);
    for (auto& done : journal.waiting)
        done(true);
    EXPECT_EQ(made.status(), 200);
    EXPECT_EQ(found.body(), made.body());
    EXPECT_EQ(moving.status(), 200);
}

TEST_F(ServiceTest, ARepeatedDeleteWaitsForTheFirst) {
    make_queue("q1");
    on("q1", "SendMessage", R"("MessageBody":"x")");
    const std::string member = R"("ReceiptHandle":")" + receive("q1") + '"';
    journal.hold = true;

    const TestReply& first = on("q1", "DeleteMessage", member);
    const TestReply& second = on("q1", "DeleteMessage", member);

    EXPECT_FALSE(first.answered);
    EXPECT_FALSE(second.answered);
}

TEST_F(ServiceTest, ChangesAreUnavailableWhenTheJournalTakesNothing) {
    make_queue("q1");
    journal.taken = broker::Accepts::nothing;

    for (const TestReply* reply :
         {&on("q1", "SendMessage", R"("MessageBody":"x")"),
          &on("q1", "TagQueue", R"("Tags":{"a":"b"})"),
          &on("q1", "PurgeQueue"),
          &on("q1", "DeleteQueue"),
          &json("CreateQueue", R"({"QueueName":"new"})")}) {
        EXPECT_EQ(reply->status(), 503);
        EXPECT_EQ(reply->message(), "the disk is gone");
    }
    EXPECT_EQ(on("q1", "ReceiveMessage").status(), 503);
    EXPECT_EQ(on("q1", "GetQueueAttributes").status(), 200);
    const TestReply& batch =
        on("q1", "SendMessageBatch", R"("Entries":[{"Id":"a","MessageBody":"x"}])");
    EXPECT_EQ(batch.status(), 200);
    EXPECT_EQ(batch.at("Failed/0/Code"), "ServiceUnavailable");
    EXPECT_EQ(batch.at("Failed/0/SenderFault"), "false");
}

TEST_F(ServiceTest, AQueueThatIsFullIsOverItsLimitEntryByEntry) {
    broker::QueueSettings settings;
    settings.bytes_max = 5;
    ASSERT_TRUE(broker.create_queue("small", settings));

    const TestReply& batch =
        on("small",
           "SendMessageBatch",
           R"("Entries":[{"Id":"a","MessageBody":"1234"},{"Id":"b","MessageBody":"56"}])");

    EXPECT_EQ(batch.at("Successful/0/Id"), "a");
    EXPECT_EQ(batch.at("Failed/0/Id"), "b");
    EXPECT_EQ(batch.at("Failed/0/Code"), "OverLimit");
    EXPECT_EQ(on("small", "SendMessage", R"("MessageBody":"56")").code(), "OverLimit");
}

}  // namespace
}  // namespace tranter::sqs
