#include "providers/http_provider.hpp"

#include "http/server.hpp"
#include "providers/http_events.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class HttpProviderTest : public testing::Test {
  public:
    ~HttpProviderTest() override {
        if (server_) server_->stop(Duration::zero());
    }

    void SetUp() override {
        server_ = std::make_unique<http::Server>(
            http::ServerOptions{},
            [this](const http::Request& request, http::Exchange exchange) {
                answer(request, std::move(exchange));
            }
        );
        server_->start();
        const ProviderOptions options{.token = "0123456789abcdef"};
        provider = make_http_provider(fmt::format("http://127.0.0.1:{}/", server_->port()), options)
                       .value();
    }

    struct Asked {
        std::string line{};
        std::string body{};
        std::string key{};
        std::string token{};
    };
    /// What was asked so far.
    std::vector<Asked> asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    /// Answers the next requests, one after the other; the last one for ever.
    void script(std::vector<http::Response> answers) { answers_ = std::move(answers); }

    static http::Response json(int status, std::string body) {
        return {.status = status, .content_type = "application/json", .body = std::move(body)};
    }

    std::shared_ptr<Provider> provider;

  private:
    void answer(const http::Request& request, http::Exchange exchange) {
        const std::lock_guard lock(mutex_);
        asked_.push_back(
            {.line = fmt::format("{} {}", request.method, request.target),
             .body = std::string(request.body),
             .key = std::string(request.header("idempotency-key").value_or("")),
             .token = std::string(request.header("authorization").value_or(""))}
        );
        http::Response response = answers_.at(std::min(asked_.size(), answers_.size()) - 1);
        std::move(exchange).respond(std::move(response));
    }

    std::mutex mutex_;
    std::vector<Asked> asked_;  // guarded by mutex_
    std::vector<http::Response> answers_;
    std::unique_ptr<http::Server> server_;
};

TEST_F(HttpProviderTest, SendsItsTokenAndIdsOfItsOwn) {
    script({json(201, R"([{"id":"x"}])")});

    const auto enqueued = provider->enqueue("a b", std::vector{NewJob{.type = "t"}});

    ASSERT_TRUE(enqueued) << enqueued.error().message();
    EXPECT_EQ(enqueued->front().id, "x");
    ASSERT_THAT(asked(), SizeIs(1));
    EXPECT_EQ(asked()[0].line, "POST /v1/queues/a%20b/jobs");
    EXPECT_EQ(asked()[0].token, "Bearer 0123456789abcdef");
    EXPECT_THAT(asked()[0].body, HasSubstr(R"([{"id":")"));
}

TEST_F(HttpProviderTest, ASettlementIsRepeatedUnderItsKey) {
    script({json(503, "{}"), json(200, R"({"results":[{"ok":true}]})")});

    const auto results = provider->settle("q", std::vector{Settlement{"r", Completed{}}});

    ASSERT_TRUE(results) << results.error().message();
    ASSERT_THAT(asked(), SizeIs(2));
    EXPECT_NE(asked()[0].key, "");
    EXPECT_EQ(asked()[0].key, asked()[1].key);
}

TEST_F(HttpProviderTest, WhatIsNotSafeToRepeatIsNotRepeated) {
    script({json(503, "{}")});

    EXPECT_EQ(provider->cancel("i").error().code(), Errc::unavailable);
    EXPECT_EQ(provider->retry("i").error().code(), Errc::unavailable);
    EXPECT_THAT(asked(), SizeIs(2));
}

TEST_F(HttpProviderTest, WhatCannotBeSentIsRefusedByItself) {
    script({json(200, R"({"results":[{"ok":true}]})")});
    const std::vector<Settlement> settlements{
        {"", Completed{}},
        {"\xFF", Released{}},
        {"r", Completed{.result = "1},{"}},
        {"r", Snoozed{.after = Milliseconds(-1)}},
        {"good", Completed{.result = "[1]"}}};

    const auto results = provider->settle("q", settlements);

    ASSERT_TRUE(results) << results.error().message();
    ASSERT_THAT(*results, SizeIs(5));
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ((*results)[i].error().code(), Errc::invalid_argument) << i;
    EXPECT_TRUE((*results)[4]);
    ASSERT_THAT(asked(), SizeIs(1));
    EXPECT_EQ(
        asked()[0].body,
        R"({"settlements":[{"receipt":"good","outcome":"completed","result":[1]}]})"
    );
}

TEST_F(HttpProviderTest, APayloadThatIsNoJsonNeverLeaves) {
    NewJob job{.type = "t"};
    job.payload = R"(1},{"type":"other")";

    EXPECT_EQ(provider->enqueue("q", {&job, 1}).error().code(), Errc::invalid_argument);
    EXPECT_THAT(asked(), SizeIs(0));
}

TEST_F(HttpProviderTest, ErrorsComeAsTheServerMeantThem) {
    script({json(409, R"({"status":409,"detail":"it is finished","code":"conflict"})")});
    EXPECT_EQ(provider->retry("i").error().message(), "it is finished");
    EXPECT_EQ(provider->retry("i").error().code(), Errc::conflict);
}

TEST_F(HttpProviderTest, AWaitInVainTimesOut) {
    script({json(202, "{}")});

    EXPECT_EQ(provider->wait("i", Milliseconds(1)).error().code(), Errc::timed_out);
}

TEST_F(HttpProviderTest, AClosedProviderAsksNobody) {
    provider->close();

    EXPECT_EQ(provider->find("i").error().code(), Errc::unavailable);
    EXPECT_THAT(asked(), SizeIs(0));
}

TEST(HttpUrlTest, RefusesWhatIsNoServer) {
    for (const char* url : {"http://", "ftp://x", "http://u:p@x", "http://x?y=1", "http://x#y"})
        EXPECT_EQ(make_http_provider(url).error().code(), Errc::invalid_argument) << url;
}

TEST(EventReaderTest, ReadsAStreamHoweverItIsCut) {
    constexpr std::string_view stream =
        "retry: 1000\n\n: comment\n\nid: a-1\nevent: job\ndata: {1}\r\n\nid: a-2\n"
        "data: x\ndata:y\n\nevent: none\n\n";
    for (std::size_t size = 1; size <= stream.size(); ++size) {
        std::vector<std::string> events;
        EventReader reader([&](const EventReader::Event& event) {
            events.push_back(fmt::format("{}|{}|{}", event.id, event.name, event.data));
        });

        for (std::size_t at = 0; at < stream.size(); at += size)
            reader.feed(stream.substr(at, size));

        EXPECT_THAT(events, ElementsAre("a-1|job|{1}", "a-2||x\ny")) << size;
        EXPECT_EQ(reader.last_id(), "a-2");
    }
}

TEST(EventReaderTest, ForgetsAnEventThatWasCutOff) {
    int events = 0;
    EventReader reader([&](const EventReader::Event&) { ++events; });

    reader.feed("event: job\ndata: {\"nu");
    reader.restart();
    reader.feed("\n\n");

    EXPECT_EQ(events, 0);
}

}  // namespace
}  // namespace tranter::providers
