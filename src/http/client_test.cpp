#include "http/client.hpp"

#include "http/server.hpp"
#include "http/test_sender.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>

namespace tranter::http {
namespace {

class ClientTest : public testing::TestWithParam<By> {
  protected:
    void SetUp() override {
        server_ = std::make_unique<Server>(
            ServerOptions{},
            [this](const Request& request, Exchange exchange) {
                handle(request, std::move(exchange));
            }
        );
        server_->start();
    }

    void handle(const Request& request, Exchange exchange) {
        Response response;
        if (request.path == "/wait") {
            exchange.on_disconnect([] {});
            waiting_ = std::make_unique<Exchange>(std::move(exchange));
            stop_.request_stop();
            return;
        }
        if (request.path == "/farewell" || request.path == "/goodbye") {
            const bool sure = request.path == "/goodbye";
            exchange.on_disconnect([this, sure] { answer_waiting(sure); });
            waiting_ = std::make_unique<Exchange>(std::move(exchange));
            stop_.request_stop();
            return;
        }
        if (request.path == "/stream") {
            stream_ = std::make_unique<Stream>(std::move(exchange).stream({.status = 200}));
            stream_->write(std::make_shared<const std::string>("first"));
            return;
        }
        if (request.path == "/redirect") {
            response.status = 302;
            response.headers = "Location: /elsewhere\r\n";
        }
        response.content_type = "text/plain";
        response.headers += "X-Connections: " + std::to_string(server_->connections()) + "\r\n";
        response.body.append(request.method).append(" ").append(request.target).append(" ");
        for (const char* name : {"authorization", "x-amz-security-token", "x-empty"}) {
            if (const auto value = request.header(name)) {
                response.body.append(name).append("=").append(*value).append(" ");
            }
        }
        response.body.append(request.body);
        std::move(exchange).respond(std::move(response));
    }

    Result<ClientResponse> send(const ClientRequest& request) { return sender_.send(request); }

    /// Who wants to be sure that it arrives does not send it to somebody who has left.
    void answer_waiting(bool sure) {
        Response response;
        response.body = "in time";
        if (sure) {
            std::move(*waiting_).respond(std::move(response), [this](bool arrived) {
                arrived_.set_value(arrived);
            });
        } else {
            std::move(*waiting_).respond(std::move(response));
        }
    }

    std::string url(std::string_view path) const {
        return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
    }

    std::unique_ptr<Exchange> waiting_;
    std::unique_ptr<Stream> stream_;
    std::stop_source stop_;
    std::promise<bool> arrived_;
    std::unique_ptr<Server> server_;
    Sender sender_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Http, ClientTest, by_both(), name_of_sender);

TEST_P(ClientTest, SendsAndReceives) {
    ClientRequest request;
    request.method = "POST";
    request.url = url("/a?b=c");
    request.headers = {{"X-Empty", ""}};
    request.body = std::string("one\0two", 7);

    const auto response = send(request);

    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a?b=c x-empty= " + std::string("one\0two", 7));
    const std::pair<std::string, std::string> type{"content-type", "text/plain"};
    EXPECT_NE(std::ranges::find(response->headers, type), response->headers.end());
}

TEST_P(ClientTest, KeepsItsConnection) {
    for (const char* method : {"GET", "DELETE", "HEAD", "PUT"}) {
        ClientRequest request;
        request.method = method;
        request.url = url("/");
        const auto response = send(request);
        ASSERT_TRUE(response.has_value()) << method << response.error().message();
        EXPECT_EQ(response->status, 200);
    }

    EXPECT_EQ(server_->connections(), 1U);
}

TEST_P(ClientTest, DoesNotFollowRedirects) {
    ClientRequest request;
    request.url = url("/redirect");

    EXPECT_EQ(send(request)->status, 302);
}

TEST_P(ClientTest, SignsForAws) {
    ClientRequest request;
    request.method = "POST";
    request.url = url("/");
    request.body = "{}";
    request.signing = Signing{
        .region = "eu-west-1",
        .service = "sqs",
        .access_key = "AKID",
        .secret_key = "SECRET",
        .session_token = "TOKEN"};

    const auto response = send(request);

    ASSERT_TRUE(response.has_value());
    EXPECT_NE(
        response->body.find("authorization=AWS4-HMAC-SHA256 Credential=AKID/"), std::string::npos
    );
    EXPECT_NE(response->body.find("/eu-west-1/sqs/aws4_request"), std::string::npos);
    EXPECT_NE(response->body.find("x-amz-security-token=TOKEN"), std::string::npos);
    EXPECT_EQ(response->body.find("SECRET"), std::string::npos);
}

TEST(ClientChecks, RefusesUrlsItShouldNotFetch) {
    for (const char* bad :
         {"file:///etc/passwd",
          "ftp://127.0.0.1/",
          "127.0.0.1",
          "",
          "http://",
          "http:///x",
          "http://user:secret@127.0.0.1/",
          "http://a b/",
          "http://a/\r\nX: y"}) {
        ClientRequest request;
        request.url = bad;
        const auto response = Client().send(request);
        ASSERT_FALSE(response.has_value()) << bad;
        EXPECT_EQ(response.error().code(), Errc::invalid_argument) << bad;
        EXPECT_EQ(response.error().message().find("secret"), std::string::npos);
    }
}

TEST(ClientChecks, RefusesHeadersThatWouldAddLines) {
    ClientRequest request;
    request.url = "http://127.0.0.1/";
    request.headers = {{"X-A", "b\r\nX-C: d"}};

    EXPECT_EQ(Client().send(request).error().code(), Errc::invalid_argument);
}

TEST_P(ClientTest, IsStoppedWhileItWaits) {
    ClientRequest request;
    request.url = url("/wait");
    request.stop = stop_.get_token();

    EXPECT_EQ(send(request).error().code(), Errc::cancelled);
    // Nor does it begin.
    EXPECT_EQ(send(request).error().code(), Errc::cancelled);
}

TEST_P(ClientTest, TakesAnAnswerThatComesWithItsFarewell) {
    ClientRequest request;
    request.url = url("/farewell");
    request.stop = stop_.get_token();
    request.farewell = std::chrono::seconds(10);

    const auto response = send(request);

    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body, "in time");
    request.stop = {};
    request.url = url("/");
    EXPECT_EQ(send(request)->status, 200);
}

TEST_P(ClientTest, EndsWhenItsFarewellIsTakenForGoodbye) {
    ClientRequest request;
    request.url = url("/goodbye");
    request.stop = stop_.get_token();
    request.farewell = std::chrono::minutes(10);

    EXPECT_EQ(send(request).error().code(), Errc::cancelled);
    EXPECT_FALSE(arrived_.get_future().get());
}

TEST_P(ClientTest, DoesNotComeBackAfterItsFarewell) {
    ClientRequest request;
    request.url = url("/");
    EXPECT_EQ(send(request)->status, 200);
    request.url = url("/goodbye");
    request.stop = stop_.get_token();
    request.farewell = std::chrono::minutes(10);

    EXPECT_EQ(send(request).error().code(), Errc::cancelled);
    EXPECT_FALSE(arrived_.get_future().get());
}

TEST_P(ClientTest, TakesABodyAsItArrives) {
    ClientRequest request;
    request.url = url("/stream");
    std::string body;
    request.on_body = [&](std::string_view piece) {
        body += piece;
        if (body == "first") stream_->write(std::make_shared<const std::string>("second"));
        if (body == "firstsecond") stream_.reset();
        return true;
    };

    const auto response = send(request);

    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(body, "firstsecond");
    EXPECT_EQ(response->body, "");
}

TEST_P(ClientTest, EndsABodyThatItHasSeenEnoughOf) {
    ClientRequest request;
    request.url = url("/stream");
    request.on_body = [](std::string_view) {
        return false;
    };

    EXPECT_EQ(send(request).error().code(), Errc::cancelled);
}

TEST_P(ClientTest, GivesUpAfterSilence) {
    ClientRequest request;
    request.url = url("/stream");
    request.timeout = Duration::max();
    request.silence = std::chrono::milliseconds(50);

    EXPECT_EQ(send(request).error().code(), Errc::timed_out);
}

TEST_P(ClientTest, SaysWhenNobodyAnswers) {
    ClientRequest waiting;
    waiting.url = url("/wait");
    waiting.timeout = std::chrono::milliseconds(50);
    EXPECT_EQ(send(waiting).error().code(), Errc::timed_out);

    ClientRequest refused;
    refused.url = url("/");
    server_.reset();
    EXPECT_EQ(send(refused).error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace tranter::http
