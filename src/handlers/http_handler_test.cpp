#include "handlers/http_handler.hpp"

#include "base/encoding.hpp"
#include "handlers/test_context.hpp"
#include "http/server.hpp"

#include <tranter/exception.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace tranter::handlers {
namespace {

using namespace std::chrono_literals;

WebhookSecret secret(char fill) {
    return WebhookSecret::parse("whsec_" + to_base64(std::string(24, fill))).value();
}

/// An endpoint that answers every request the same and remembers the last.
class HttpHandlerTest : public testing::Test {
  public:
    ~HttpHandlerTest() override { server_.stop(Duration{}); }

    HttpOptions options() const {
        return {
            .url = "http://127.0.0.1:" + std::to_string(server_.port()) + "/jobs",
            .addresses = {.allowed = {http::parse_subnet("127.0.0.0/8").value()}},
            .timeout = 10s};
    }
    AttemptOutcome run(http::Response response) {
        response_ = std::move(response);
        test::TestRun run(R"({"n":1})");
        run.job().options.traceparent = traceparent_;
        return make_http_handler(options(), [] { return Instant(1'000s); })(run.context());
    }
    std::string header(std::string_view name) const {
        for (const auto& [key, value] : headers_) {
            if (key == name) return value;
        }
        return "none";
    }

  protected:
    std::string traceparent_{};
    http::Response response_{};
    std::string body_{};
    std::vector<std::pair<std::string, std::string>> headers_{};
    http::Server server_{
        {}, [this](const http::Request& request, http::Exchange exchange) {
            body_ = request.body;
            headers_.clear();
            for (const auto& one : request.headers) {
                headers_.emplace_back(one.name, one.value);
            }
            http::Response copy{
                .status = response_.status, .headers = response_.headers, .body = response_.body};
            std::move(exchange).respond(std::move(copy));
        }};
    const bool started_ = (server_.start(), true);
};

TEST_F(HttpHandlerTest, PostsTheJobAndTakesTheResult) {
    const auto outcome = run({.status = 200, .body = R"({"sent":true})"});
    ASSERT_TRUE(std::holds_alternative<Completed>(outcome));
    EXPECT_EQ(std::get<Completed>(outcome).result, R"({"sent":true})");
    EXPECT_EQ(
        body_,
        R"({"id":"7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e","queue":"work","type":"test",)"
        R"("payload":{"n":1},"attempt":1,"max_attempts":25,"run":1,"runs":1,"group":"",)"
        R"("tags":[],"created_at":"1970-01-01T00:00:00Z"})"
    );
    EXPECT_EQ(header("webhook-id"), "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e.1.1");
    EXPECT_EQ(header("webhook-timestamp"), "1000");
    EXPECT_EQ(header("webhook-signature"), "none");
}

TEST_F(HttpHandlerTest, SendsTheTraceOfTheJob) {
    run({.status = 200});
    EXPECT_EQ(header("traceparent"), "none");

    traceparent_ = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    run({.status = 200});

    EXPECT_EQ(header("traceparent"), traceparent_);
    EXPECT_EQ(header("tracestate"), "none");
}

TEST_F(HttpHandlerTest, LetsTheStatusDecide) {
    for (const int status : {408, 425, 429, 500, 502, 503}) {
        EXPECT_TRUE(std::holds_alternative<Failed>(run({.status = status}))) << status;
    }
    for (const int status : {302, 400, 401, 404, 410, 422}) {
        EXPECT_TRUE(std::holds_alternative<Dead>(run({.status = status}))) << status;
    }
    EXPECT_EQ(std::get<Dead>(run({.status = 404, .body = "who?"})).reason, "HTTP 404: who?");
}

TEST_F(HttpHandlerTest, HonoursRetryAfterWithinReason) {
    const auto after = [&](const std::string& value) {
        const auto outcome = run({.status = 503, .headers = "Retry-After: " + value + "\r\n"});
        return std::get<Failed>(outcome).retry_after;
    };
    EXPECT_EQ(after("7"), 7s);
    EXPECT_EQ(after("0"), 1s);
    EXPECT_EQ(after("1000000000000000000"), 24h);
    EXPECT_EQ(after("99999999999999999999999"), 24h);
    EXPECT_EQ(after("-5"), std::nullopt);
    EXPECT_EQ(after("soon"), std::nullopt);
}

TEST_F(HttpHandlerTest, SignsSoThatTheReceiverCanVerify) {
    auto signing = options();
    signing.secrets = {secret('a'), secret('b')};
    response_.status = 204;
    test::TestRun run;
    const auto outcome = make_http_handler(signing, [] { return Instant(1'000s); })(run.context());
    EXPECT_TRUE(std::holds_alternative<Completed>(outcome));
    const std::string id = header("webhook-id");
    const std::string timestamp = header("webhook-timestamp");
    const std::string signature = header("webhook-signature");
    const WebhookHeaders headers{.id = id, .timestamp = timestamp, .signature = signature};
    for (const char fill : {'a', 'b'}) {
        const std::vector<WebhookSecret> own{secret(fill)};
        EXPECT_TRUE(verify_webhook(own, headers, body_, Instant(1'010s)));
    }
}

TEST_F(HttpHandlerTest, DoesNotCallAddressesThatAreNotPublic) {
    auto guarded = options();
    guarded.addresses = {};
    test::TestRun run;
    const auto outcome = make_http_handler(guarded)(run.context());
    EXPECT_EQ(std::get<Dead>(outcome).type, "forbidden_address");
    EXPECT_THAT(
        std::get<Dead>(outcome).reason,
        testing::EndsWith("/jobs: 127.0.0.1 may not be connected to; if it should be, name its "
                          "subnet in allow_addresses of the handler")
    );
    EXPECT_TRUE(body_.empty());
}

TEST_F(HttpHandlerTest, LetsTheStatusDecideAboutAnAnswerThatIsTooLarge) {
    const std::string body(300'000, 'x');
    const auto done = std::get<Dead>(run({.status = 201, .body = body}));
    EXPECT_EQ(done.type, "result_too_large");
    EXPECT_EQ(done.reason, "the answer has more than 262144 bytes");
    EXPECT_EQ(std::get<Dead>(run({.status = 404, .body = body})).type, "http");
    const auto failed =
        std::get<Failed>(run({.status = 503, .headers = "Retry-After: 7\r\n", .body = body}));
    EXPECT_EQ(failed.text, "HTTP 503: " + std::string(500, 'x'));
    EXPECT_EQ(failed.retry_after, 7s);
    EXPECT_TRUE(std::holds_alternative<Completed>(run({.body = "1"})));
}

TEST(HttpHandler, RefusesWhatIsNoUrl) {
    for (const auto* url :
         {"",
          "file:///etc/passwd",
          "gopher://127.0.0.1:6379/_FLUSHALL",
          "ftp://127.0.0.1/",
          "http:///",
          "http://good.example@127.0.0.1/",
          "http://good.example/\r\nX: y"}) {
        EXPECT_THROW((void)make_http_handler({.url = url}), Exception) << url;
    }
}

TEST(HttpHandler, FailsWhenNobodyAnswers) {
    test::TestRun run;
    const auto outcome = make_http_handler(
        {.url = "http://127.0.0.1:1/",
         .addresses = {.allowed = {http::parse_subnet("127.0.0.1").value()}}}
    )(run.context());
    EXPECT_TRUE(std::holds_alternative<Failed>(outcome));
}

TEST(Webhook, AgreesWithThePublishedExample) {
    const std::vector<WebhookSecret> secrets{
        WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value()};
    EXPECT_EQ(
        webhook_signature(
            secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"
        ),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

TEST(Webhook, RefusesWhatIsNotSignedLikeThis) {
    const std::vector<WebhookSecret> secrets{secret('a')};
    const std::string good = webhook_signature(secrets, "id", 1000, "body");
    const auto verify = [&](WebhookHeaders headers, std::string_view body) {
        return verify_webhook(secrets, headers, body, Instant(1'000s)).has_value();
    };
    EXPECT_TRUE(verify({"id", "1000", good}, "body"));
    EXPECT_TRUE(verify({"id", "1000", "v2,x v1,AAAA " + good}, "body"));
    EXPECT_FALSE(verify({"id", "1000", good}, "other"));
    EXPECT_FALSE(verify({"other", "1000", good}, "body"));
    EXPECT_FALSE(verify({"", "1000", good}, "body"));
    EXPECT_FALSE(verify({"id", "abc", good}, "body"));
    EXPECT_FALSE(verify({"id", "-1000", good}, "body"));
    EXPECT_FALSE(verify({"id", "1000", ""}, "body"));
    EXPECT_FALSE(verify({"id", "1000", "v1,AAAA"}, "body"));
    EXPECT_FALSE(verify({"id", "1000", "v2," + good.substr(3)}, "body"));
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "v1,AAAA ";
    EXPECT_FALSE(verify({"id", "1000", many + good}, "body"));
    const std::string late = webhook_signature(secrets, "id", 1601, "body");
    EXPECT_FALSE(verify({"id", "1601", late}, "body"));
}

TEST(Webhook, RefusesSecretsThatAreTooWeak) {
    EXPECT_FALSE(WebhookSecret::parse(to_base64(std::string(24, 'a'))));
    EXPECT_FALSE(WebhookSecret::parse("whsec_" + to_base64(std::string(8, 'a'))));
    EXPECT_FALSE(WebhookSecret::parse("whsec_" + to_base64(std::string(65, 'a'))));
    EXPECT_FALSE(WebhookSecret::parse("whsec_?"));
}

}  // namespace
}  // namespace tranter::handlers
