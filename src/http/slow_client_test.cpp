#include "http/server.hpp"
#include "http/test_socket.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace tranter::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_bytes = std::size_t{1} << 20;
constexpr std::size_t big_bytes = std::size_t{8} << 20;

std::string head_of(std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(bytes) +
           "\r\n\r\n";
}

/// A server that answers with the size of the body, and to GET with more than a socket holds.
class SlowClientTest : public testing::Test {
  protected:
    void start(Limits limits) {
        limits.body_bytes = largest_bytes;
        server_ = std::make_unique<Server>(
            ServerOptions{.limits = limits},
            [this](const Request& request, Exchange exchange) {
                Response response;
                if (request.method != "GET") {
                    response.body = std::to_string(request.body.size());
                    std::move(exchange).respond(std::move(response));
                    return;
                }
                response.body.assign(big_bytes, 'b');
                std::move(exchange).respond(std::move(response), [this](bool written) {
                    settled_.set_value(written);
                });
            }
        );
        server_->start();
    }

    void wait_until_connections(std::size_t count) {
        while (server_->connections() != count)
            std::this_thread::yield();
    }

    /// Sends a body of which one byte is missing. It may be refused before all of it was sent.
    TestSocket begin_body() {
        TestSocket client(server_->port());
        client.send(head_of(largest_bytes));
        client.send(std::string(largest_bytes - 1, 'x'));
        return client;
    }

    std::promise<bool> settled_;
    std::unique_ptr<Server> server_;
};

TEST_F(SlowClientTest, BodiesThatDoNotEndTakeNoMoreThanTheirShare) {
    Limits limits;
    limits.unfinished_bodies = 4;
    start(limits);
    std::deque<TestSocket> clients;
    for (int i = 0; i < 6; ++i)
        clients.push_back(begin_body());

    std::string refusal;
    while (refusal.empty()) {
        for (TestSocket& client : clients) {
            if (refusal.empty() && client.wait_for_input(1ms)) refusal = client.read_answer();
        }
    }

    EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
    EXPECT_NE(refusal.find("Connection: close\r\n"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("Retry-After: "), std::string::npos) << refusal;
    TestSocket small(server_->port());
    small.send(head_of(1) + "x");
    EXPECT_TRUE(small.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(SlowClientTest, TheShareIsFreeAgainWhenBodiesCameOrTheirClientsWent) {
    Limits limits;
    limits.unfinished_bodies = 4;
    start(limits);
    for (int i = 0; i < 10; ++i) {
        TestSocket gone = begin_body();
        gone.close();
        wait_until_connections(0);
    }

    TestSocket client(server_->port());
    for (int i = 0; i < 10; ++i) {
        client.send(head_of(largest_bytes) + std::string(largest_bytes, 'x'));
        const std::string answer = client.read_answer();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    }
}

TEST_F(SlowClientTest, ABodyThatKeepsComingMayTakeLongerThanItsTimeout) {
    Limits limits;
    limits.body_timeout = 500ms;
    limits.bytes_per_second_min = 2;
    start(limits);
    TestSocket client(server_->port());
    std::size_t sent = 0;
    client.send(head_of(largest_bytes));

    const auto end = std::chrono::steady_clock::now() + 1300ms;
    while (std::chrono::steady_clock::now() < end && !client.wait_for_input(10ms))
        sent += client.send("x") ? 1 : 0;
    client.send(std::string(largest_bytes - sent, 'x'));

    EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(SlowClientTest, ABodyThatOnlyTricklesInIsCut) {
    Limits limits;
    limits.body_timeout = 100ms;
    limits.bytes_per_second_min = largest_bytes;
    start(limits);
    TestSocket client(server_->port());
    client.send(head_of(largest_bytes));

    while (!client.wait_for_input(1ms) && client.send("x")) {
    }

    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 "));
}

TEST_F(SlowClientTest, AReaderThatGoesOnGetsAnAnswerThatTakesLongerThanTheTimeout) {
    Limits limits;
    limits.write_timeout = 500ms;
    limits.bytes_per_second_min = 2;
    start(limits);
    TestSocket client(server_->port(), 4096);
    std::size_t got = 0;
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    const auto end = std::chrono::steady_clock::now() + 1300ms;
    const TestSocket quiet(server_->port());
    while (std::chrono::steady_clock::now() < end) {
        got += client.read_bytes(1024).size();
        quiet.wait_for_input(10ms);
    }
    got += client.read_bytes(big_bytes).size();

    EXPECT_GE(got, big_bytes);
    EXPECT_TRUE(settled_.get_future().get());
}

TEST_F(SlowClientTest, AReaderThatOnlyTricklesIsCut) {
    Limits limits;
    limits.write_timeout = 100ms;
    limits.bytes_per_second_min = std::size_t{1} << 30;
    start(limits);
    TestSocket client(server_->port(), 4096);
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    auto settled = settled_.get_future();
    while (settled.wait_for(1ms) != std::future_status::ready)
        client.read_bytes(1);

    EXPECT_FALSE(settled.get());
}

}  // namespace
}  // namespace tranter::http
