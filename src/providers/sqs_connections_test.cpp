#include "providers/sqs_connections.hpp"

#include "http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace tranter::providers {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SqsConnectionsTest : public testing::Test {
  public:
    SqsConnectionsTest()
        : server_(
              http::ServerOptions{},
              [this](const http::Request& request, http::Exchange exchange) {
                  answer(request, std::move(exchange));
              }
          ) {
        server_.start();
    }

  protected:
    void answer(const http::Request& request, http::Exchange exchange) {
        ++requests_;
        signature_ = std::string(request.header("authorization").value_or(""));
        if (request.header("x-amz-target") == "AmazonSQS.ReceiveMessage") {
            exchange.on_disconnect([] {});
            const std::lock_guard lock(mutex_);
            waiting_.emplace(std::move(exchange));
            waits_.notify_all();
            return;
        }
        http::Response response;
        response.content_type = "application/x-amz-json-1.0";
        response.body = R"({"ok":true})";
        if (requests_ <= refusals_) {
            response.status = 503;
            response.body = R"({"__type":"ServiceUnavailable","message":"not now"})";
        }
        std::move(exchange).respond(std::move(response));
    }

    std::unique_ptr<SqsConnections> connect(int port) {
        const auto url = aws::parse_service_url("http://127.0.0.1:" + std::to_string(port));
        return std::move(SqsConnections::open(url.value()).value());
    }

    std::atomic<int> requests_ = 0;
    std::atomic<int> refusals_ = 0;
    std::string signature_{};  // written before an answer, read behind it
    std::mutex mutex_{};
    std::condition_variable waits_{};
    std::optional<http::Exchange> waiting_{};  // guarded by mutex_
    http::Server server_;
};

TEST_F(SqsConnectionsTest, SignsItsCalls) {
    const auto connections = connect(server_.port());

    const auto answer = connections->call({.action = "ListQueues", .input = aws::Json()});

    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_FALSE((*answer)["ok"].is_null());
    EXPECT_THAT(signature_, AllOf(HasSubstr("AWS4-HMAC-SHA256"), HasSubstr("/sqs/aws4_request")));
}

TEST_F(SqsConnectionsTest, TriesAgainWhatTheServerCannotDoAtTheMoment) {
    refusals_ = 2;
    const auto connections = connect(server_.port());

    EXPECT_TRUE(connections->call({.action = "ListQueues", .input = aws::Json()}));

    EXPECT_EQ(requests_, 3);
}

TEST_F(SqsConnectionsTest, NamesActionAndEndpointInItsErrors) {
    const auto port = server_.port();
    const auto connections = connect(port);
    server_.stop(Duration::zero());

    const auto answer = connections->call({.action = "ListQueues", .input = aws::Json()});

    EXPECT_EQ(answer.error().code(), Errc::unavailable);
    EXPECT_THAT(
        answer.error().message(),
        HasSubstr("ListQueues at http://127.0.0.1:" + std::to_string(port))
    );
}

TEST_F(SqsConnectionsTest, EndsALongPollThatIsStopped) {
    const auto connections = connect(server_.port());
    std::stop_source stop;
    const std::jthread stopper([&] {
        std::unique_lock lock(mutex_);
        waits_.wait(lock, [&] { return waiting_.has_value(); });
        stop.request_stop();
    });

    const auto answer = connections->call(
        {.action = "ReceiveMessage",
         .input = aws::Json(),
         .wait = std::chrono::seconds(20),
         .stop = stop.get_token()}
    );

    EXPECT_EQ(answer.error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace tranter::providers
