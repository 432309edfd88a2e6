#include "http/server.hpp"
#include "http/test_socket.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

namespace tranter::http {
namespace {

std::shared_ptr<const std::string> shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

class StreamTest : public testing::Test {
  protected:
    void SetUp() override {
        server_ =
            std::make_unique<Server>(ServerOptions{}, [this](const Request&, Exchange exchange) {
                Response head;
                head.content_type = "text/event-stream";
                begun_.set_value(std::move(exchange).stream(std::move(head)));
            });
        server_->start();
    }

    Stream begin(TestSocket& client, std::string_view request) {
        client.send(request);
        return begun_.get_future().get();
    }

    static constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    std::promise<Stream> begun_;
    std::unique_ptr<Server> server_;
};

TEST_F(StreamTest, SendsPiecesAsChunksAndThenCloses) {
    TestSocket client(server_->port());
    {
        Stream stream = begin(client, get);
        EXPECT_TRUE(stream.write(shared("one")));
        EXPECT_TRUE(stream.write(shared(std::string(17, 'x'))));
        EXPECT_TRUE(stream.write(shared("")));
    }

    const std::string answer = client.read_all();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Type: text/event-stream\r\n"), std::string::npos);
    EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
    EXPECT_TRUE(
        answer.ends_with("\r\n\r\n3\r\none\r\n11\r\n" + std::string(17, 'x') + "\r\n0\r\n\r\n")
    ) << answer;
}

TEST_F(StreamTest, TheHeadDoesNotWaitForAPiece) {
    TestSocket client(server_->port());
    const Stream stream = begin(client, get);

    EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StreamTest, AnOldClientGetsBytesUntilTheEnd) {
    TestSocket client(server_->port());
    {
        Stream stream = begin(client, "GET / HTTP/1.0\r\n\r\n");
        stream.write(shared("one"));
    }

    const std::string answer = client.read_all();

    EXPECT_EQ(answer.find("chunked"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\none")) << answer;
}

TEST_F(StreamTest, HeadHasNoBody) {
    TestSocket client(server_->port());
    Stream stream = begin(client, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    EXPECT_FALSE(stream.write(shared("one")));
    EXPECT_TRUE(client.read_all().ends_with("\r\n\r\n"));
}

TEST_F(StreamTest, AClientThatDoesNotReadIsDropped) {
    TestSocket client(server_->port(), 4096);
    Stream stream = begin(client, get);
    const auto piece = shared(std::string(64 * 1024, 'x'));

    int written = 0;
    while (stream.write(piece) && written < 10'000)
        ++written;

    EXPECT_LT(written, 10'000);
    EXPECT_FALSE(stream.write(piece));
}

TEST_F(StreamTest, AClientThatReadsGetsMoreThanItMayLeaveUnread) {
    TestSocket client(server_->port());
    Stream stream = begin(client, get);
    const auto piece = shared(std::string(100'000, 'x'));
    client.read_answer();

    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(stream.write(piece));
        ASSERT_EQ(client.read_bytes(100'000 + 9).size(), 100'009U);
    }
}

TEST_F(StreamTest, KnowsOfAClientThatHasGone) {
    TestSocket client(server_->port());
    Stream stream = begin(client, get);
    client.read_answer();
    client.reset();
    while (server_->connections() != 0)
        std::this_thread::yield();

    EXPECT_FALSE(stream.write(shared("one")));
}

TEST_F(StreamTest, AStoppingServerEndsIt) {
    TestSocket client(server_->port());
    Stream stream = begin(client, get);

    server_->stop(std::chrono::minutes(1));

    EXPECT_TRUE(client.read_all().ends_with("\r\n\r\n0\r\n\r\n"));
    EXPECT_FALSE(stream.write(shared("one")));
}

TEST_F(StreamTest, OutlivesTheServer) {
    TestSocket client(server_->port());
    Stream stream = begin(client, get);

    server_.reset();

    EXPECT_FALSE(stream.write(shared("one")));
}

}  // namespace
}  // namespace tranter::http
