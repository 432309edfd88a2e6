#include "admin/jobs_streams.hpp"

#include "admin/test_store.hpp"
#include "http/server.hpp"
#include "http/test_socket.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace tranter::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class JobStreamsTest : public testing::Test {
  public:
    ~JobStreamsTest() override {
        if (server_) server_->stop(Duration::zero());
    }

    void start(JobStreamOptions options) {
        streams_ = std::make_unique<JobStreams>(options, store);
        server_ = std::make_unique<http::Server>(
            http::ServerOptions{},
            [this](const http::Request& request, http::Exchange exchange) {
                streams_->open(
                    std::string(request.query),
                    request.header("last-event-id").value_or(""),
                    std::move(exchange)
                );
            }
        );
        server_->start();
    }
    void SetUp() override { start({.window = std::chrono::milliseconds(1)}); }

    /// Listens, and has read what comes at once.
    http::TestSocket listen(std::string_view queue = {}, std::string_view last_id = {}) {
        http::TestSocket client(server_->port());
        client.send(fmt::format(
            "GET /?{} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {}\r\n\r\n", queue, last_id
        ));
        const std::string head = read_until(client, "retry: 1000\n\n");
        EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
        return client;
    }
    static std::string read_until(http::TestSocket& client, std::string_view end) {
        std::string text;
        while (!text.ends_with(end)) {
            const std::string byte = client.read_bytes(1);
            if (byte.empty()) break;
            text += byte;
        }
        return text;
    }
    void tell(std::uint64_t number, std::string queue = "q") {
        store.tell({.number = number, .id = "i", .queue = std::move(queue), .type = "t"});
    }
    static std::string id_in(const std::string& text) {
        const std::size_t begin = text.rfind("id: ") + 4;
        return text.substr(begin, text.find('\n', begin) - begin);
    }

    static constexpr std::string_view event_end = "}\n\n";

    ScriptedStore store;

  private:
    std::unique_ptr<JobStreams> streams_;
    std::unique_ptr<http::Server> server_;
};

TEST_F(JobStreamsTest, TellsEverybodyWhatHappens) {
    auto one = listen();
    auto other = listen();

    tell(1);

    for (auto* client : {&one, &other}) {
        const std::string text = read_until(*client, event_end);
        EXPECT_THAT(text, HasSubstr("-1\nevent: job\ndata: {\"number\":1,"));
    }
}

TEST_F(JobStreamsTest, TellsOnlyOfTheQueueThatWasAskedFor) {
    auto client = listen("mail");

    tell(1, "other");
    tell(2, "mail");

    const std::string text = read_until(client, event_end);
    EXPECT_THAT(text, HasSubstr("\"number\":2,"));
    EXPECT_THAT(text, Not(HasSubstr("\"number\":1,")));
}

TEST_F(JobStreamsTest, GoesOnWhereAClientLeftOff) {
    auto all = listen();
    tell(1);
    const std::string last_id = id_in(read_until(all, event_end));
    tell(2);
    tell(3);
    read_until(all, "\"number\":3");

    auto again = listen({}, last_id);

    const std::string text = read_until(again, event_end) + read_until(again, event_end);
    EXPECT_THAT(text, HasSubstr("\"number\":2,"));
    EXPECT_THAT(text, HasSubstr("\"number\":3,"));
    EXPECT_THAT(text, Not(HasSubstr("event: gap")));
}

TEST_F(JobStreamsTest, SaysThatSomethingWasMissed) {
    auto client = listen();
    tell(1);
    read_until(client, event_end);

    tell(5);

    const std::string text = read_until(client, event_end);
    EXPECT_THAT(text, HasSubstr("event: gap\ndata: {\"last_seen\":1}"));
    EXPECT_THAT(read_until(client, event_end), HasSubstr("\"number\":5,"));
}

TEST_F(JobStreamsTest, WhatAnotherProcessToldIsMissed) {
    for (const char* id : {"0123456789abcdef-7", "x", "-"}) {
        auto client = listen({}, id);

        EXPECT_THAT(read_until(client, event_end), HasSubstr("event: gap\n")) << id;
    }
}

TEST_F(JobStreamsTest, WhatIsForgottenIsMissed) {
    start({.window = std::chrono::milliseconds(1), .events_kept = 1});
    auto all = listen();
    tell(1);
    const std::string last_id = id_in(read_until(all, event_end));
    tell(2);
    read_until(all, event_end);
    tell(3);
    read_until(all, event_end);

    auto again = listen({}, last_id);

    EXPECT_THAT(read_until(again, event_end), HasSubstr("event: gap\ndata: {\"last_seen\":1}"));
    EXPECT_THAT(read_until(again, event_end), HasSubstr("\"number\":3,"));
}

TEST_F(JobStreamsTest, SaysNowAndThenThatItIsThere) {
    start({.heartbeat = std::chrono::milliseconds(5)});

    auto client = listen();

    EXPECT_THAT(read_until(client, ": still here\n\n"), HasSubstr(": still here"));
}

}  // namespace
}  // namespace tranter::admin
