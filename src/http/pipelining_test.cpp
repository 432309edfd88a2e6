#include "http/server.hpp"
#include "http/test_socket.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

namespace tranter::http {
namespace {

std::string put(std::string_view path, std::string_view body) {
    std::string text("PUT ");
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: ");
    return text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? answer : answer.substr(end + 4);
}

/// One I/O thread, whose connections share a buffer. Answers with path and body of the request;
/// /large is answered with more than the kernel takes at once.
class PipeliningTest : public testing::Test {
  protected:
    PipeliningTest() {
        server_ = std::make_unique<Server>(
            ServerOptions{},
            [this](const Request& request, Exchange exchange) {
                Response response;
                response.body = std::string(request.path) + " " + std::string(request.body);
                if (request.path == "/large") {
                    response.body.assign(large_bytes, 'L');
                    large_answered_.set_value();
                }
                std::move(exchange).respond(std::move(response));
            }
        );
        server_->start();
    }

    TestSocket connect() { return TestSocket(server_->port(), 4096); }

    static constexpr std::size_t large_bytes = 8U << 20U;
    std::promise<void> large_answered_;
    std::unique_ptr<Server> server_;
};

TEST_F(PipeliningTest, NobodyGetsTheRequestsOfAnother) {
    constexpr int requests = 500;
    TestSocket pipelining = connect();
    std::vector<TestSocket> others;
    for (int i = 0; i < 3; ++i)
        others.push_back(connect());
    const std::string noise(30'000, 'Z');
    std::string stream;
    for (int i = 0; i < requests; ++i)
        stream += put("/mine", std::to_string(i));

    for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(pipelining.send(stream));
        for (auto& other : others)
            ASSERT_TRUE(other.send(put("/other", noise)));
        for (int i = 0; i < requests; ++i)
            ASSERT_EQ(body_of(pipelining.read_answer()), "/mine " + std::to_string(i));
        for (auto& other : others)
            ASSERT_EQ(body_of(other.read_answer()), "/other " + noise);
    }
}

TEST_F(PipeliningTest, ARequestBehindAnAnswerThatIsSentInPartsStaysItsOwn) {
    TestSocket slow = connect();
    ASSERT_TRUE(slow.send(put("/large", "") + put("/next", "mine")));
    large_answered_.get_future().wait();
    TestSocket other = connect();
    const std::string noise(30'000, 'Z');
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(other.send(put("/other", noise)));
        ASSERT_EQ(body_of(other.read_answer()), "/other " + noise);
    }

    EXPECT_EQ(body_of(slow.read_answer()).size(), large_bytes);
    EXPECT_EQ(body_of(slow.read_answer()), "/next mine");
}

}  // namespace
}  // namespace tranter::http
