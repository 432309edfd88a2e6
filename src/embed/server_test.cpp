#include "http/client.hpp"

#include <tranter/server.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <stdexcept>
#include <string>

namespace tranter {
namespace {

using ::testing::HasSubstr;

/// One SQS action in the JSON protocol; the answer's body, or "STATUS BODY" for a failure.
std::string call(const EmbeddedServer& server, const std::string& action, const std::string& body) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = server.url() + "/";
    request.headers = {
        {"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "AmazonSQS." + action}};
    request.body = body;
    http::Client client;
    const auto answer = client.send(request);
    if (!answer) return answer.error().message();
    if (answer->status != 200) return std::to_string(answer->status) + " " + answer->body;
    return answer->body;
}

std::string queue_url(const EmbeddedServer& server) {
    return R"("QueueUrl":")" + server.url() + R"(/000000000000/orders")";
}

TEST(EmbeddedServerTest, KeepsWhatIsSentUntilItIsReceived) {
    const EmbeddedServer server;
    EXPECT_THAT(call(server, "CreateQueue", R"({"QueueName":"orders"})"), HasSubstr("orders"));

    const auto sent =
        call(server, "SendMessage", "{" + queue_url(server) + R"(,"MessageBody":"hello"})");
    const auto received = call(server, "ReceiveMessage", "{" + queue_url(server) + "}");

    EXPECT_THAT(sent, HasSubstr("5d41402abc4b2a76b9719d911017c592"));
    EXPECT_THAT(received, HasSubstr(R"("Body":"hello")"));
}

TEST(EmbeddedServerTest, HandsADelayedMessageToAWaitingReceiver) {
    EmbeddedServerOptions options;
    options.auto_create = true;
    const EmbeddedServer server(options);
    const auto receive = "{" + queue_url(server) + R"(,"WaitTimeSeconds":20})";
    auto waiting =
        std::async(std::launch::async, [&] { return call(server, "ReceiveMessage", receive); });

    call(
        server,
        "SendMessage",
        "{" + queue_url(server) + R"(,"MessageBody":"later","DelaySeconds":1})"
    );

    EXPECT_THAT(waiting.get(), HasSubstr(R"("Body":"later")"));
}

TEST(EmbeddedServerTest, RefusesToListenBeyondLoopback) {
    EmbeddedServerOptions options;
    options.address = "0.0.0.0";

    EXPECT_THROW(EmbeddedServer{options}, std::runtime_error);
}

class EmbeddedDataTest : public testing::Test {
  protected:
    EmbeddedDataTest() {
        std::string path = testing::TempDir() + "tranter-embed-XXXXXX";
        directory = ::mkdtemp(path.data()) == nullptr ? std::string() : path;
        options.auto_create = true;
        options.data_directory = directory;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    void send(const EmbeddedServer& server) {
        call(server, "SendMessage", "{" + queue_url(server) + R"(,"MessageBody":"kept"})");
    }
    std::string receive(const EmbeddedServer& server) {
        return call(server, "ReceiveMessage", "{" + queue_url(server) + "}");
    }

    std::string directory;
    EmbeddedServerOptions options;
};

TEST_F(EmbeddedDataTest, ADataDirectoryKeepsMessagesForTheNextServer) {
    for (const Durability durability : {Durability::sync, Durability::os}) {
        options.durability = durability;
        send(EmbeddedServer(options));

        EXPECT_THAT(receive(EmbeddedServer(options)), HasSubstr(R"("Body":"kept")"));
    }
}

TEST_F(EmbeddedDataTest, DurabilityNoneLeavesTheDirectoryAlone) {
    options.durability = Durability::none;

    send(EmbeddedServer(options));

    EXPECT_TRUE(std::filesystem::is_empty(directory));
    EXPECT_EQ(receive(EmbeddedServer(options)), "{}");
}

TEST_F(EmbeddedDataTest, ADataDirectoryIsForOneServerAtATime) {
    const EmbeddedServer first(options);

    try {
        const EmbeddedServer second(options);
        FAIL() << "shares the directory";
    } catch (const std::runtime_error& refusal) {
        EXPECT_THAT(refusal.what(), HasSubstr(directory));
        EXPECT_THAT(refusal.what(), HasSubstr(std::to_string(::getpid())));
    }
}

TEST_F(EmbeddedDataTest, ADirectoryThatIsSharedByAllUsersIsRefused) {
    std::filesystem::permissions(directory, std::filesystem::perms(01777));

    EXPECT_THROW(EmbeddedServer{options}, std::runtime_error);
}

}  // namespace
}  // namespace tranter
