#pragma once

#include "broker/broker.hpp"
#include "broker/journal.hpp"
#include "http/message.hpp"
#include "sqs/service.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A service over a real broker with a clock that the test turns; requests go in and answers come
/// out without a socket.
namespace tranter::sqs {

class TestClock final : public Clock {
  public:
    Instant now() const override { return now_ += step; }
    void advance(Duration by) { now_ += by; }

    Duration step{};  // that every look at the clock takes

  private:
    mutable Instant now_{std::chrono::seconds(1'767'323'045)};  // 2026-01-02T03:04:05Z
};

/// Makes nothing durable or written, while it holds, until the test says so.
class TestJournal final : public broker::Journal {
  public:
    broker::Position append(const broker::Record&) override { return hold ? ++last_ : 0; }
    broker::Position end() const override { return hold ? last_ : 0; }
    void when_durable(broker::Position, Done done) override { waiting.push_back(std::move(done)); }
    bool is_durable(broker::Position position) const override { return position == 0; }
    void when_written(broker::Position, Done done) override {
        waiting_for_write.push_back(std::move(done));
    }
    bool is_written(broker::Position position) const override { return position == 0; }
    broker::Accepts accepts() const override { return taken; }
    std::string trouble() const override {
        return taken == broker::Accepts::everything ? "" : "the disk is gone";
    }

    bool hold = false;
    broker::Accepts taken = broker::Accepts::everything;
    std::vector<Done> waiting;
    std::vector<Done> waiting_for_write;

  private:
    broker::Position last_ = 0;
};

/// The answer to one request, when there is one.
class TestReply final : public ReplySink {
  public:
    void respond(http::Response response, http::Exchange::Settled settled) override {
        EXPECT_FALSE(answered) << "answered twice";
        answered = true;
        answer = std::move(response);
        settle = std::move(settled);
        disconnect = {};
        deadline = {};
    }
    void on_disconnect(http::Exchange::Hook hook) override { disconnect = std::move(hook); }
    void on_deadline(Duration after, http::Exchange::Hook hook) override {
        deadline_after = after;
        deadline = std::move(hook);
    }

    int status() const { return answer.status; }
    const std::string& body() const { return answer.body; }
    /// `Successful/0/MessageId`: a member of the JSON answer as text; "" when it is not there.
    std::string at(std::string_view path) const {
        simdjson::dom::parser parser;
        simdjson::dom::element element;
        const simdjson::padded_string padded(answer.body);
        if (parser.parse(padded).get(element) != simdjson::SUCCESS) return {};
        if (element.at_pointer("/" + std::string(path)).get(element) != simdjson::SUCCESS) {
            return {};
        }
        std::string_view text;
        if (element.get(text) == simdjson::SUCCESS) return std::string(text);
        return simdjson::to_string(element);
    }
    /// Legacy code, as SDKs show it.
    std::string code() const {
        constexpr std::string_view name = "x-amzn-query-error: ";
        const std::size_t begin = answer.headers.find(name);
        if (begin == std::string::npos) return {};
        const std::size_t from = begin + name.size();
        return answer.headers.substr(from, answer.headers.find(';', from) - from);
    }
    std::string message() const { return at("message"); }

    bool answered = false;
    http::Response answer;
    http::Exchange::Settled settle;
    http::Exchange::Hook disconnect;
    http::Exchange::Hook deadline;
    Duration deadline_after{};
};

struct TestRequest {
    std::string method = "POST";
    std::string path = "/";
    std::string query{};
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

class ServiceTest : public ::testing::Test {
  protected:
    static constexpr std::string_view base = "http://127.0.0.1:9324/000000000000/";

    void restart(ServiceOptions options) { service.emplace(std::move(options), broker); }

    TestReply& send(const TestRequest& request) {
        std::string body = request.body;
        const std::size_t bytes = body.size();
        body.append(http::body_padding_bytes, '\0');
        std::vector<http::Header> headers{{"Host", "127.0.0.1:9324"}};
        for (const auto& [name, value] : request.headers)
            headers.push_back({name, value});
        std::string target = request.path;
        if (!request.query.empty()) target += "?" + request.query;
        const http::Request raw{
            .method = request.method,
            .target = target,
            .path = request.path,
            .query = request.query,
            .body = std::string_view(body).substr(0, bytes),
            .headers = headers,
            .peer = "127.0.0.1",
        };
        TestReply& reply = replies.emplace_back();
        service->handle(raw, Reply(reply));
        return reply;
    }
    TestReply& json(std::string_view action, std::string body) {
        return send({
            .body = std::move(body),
            .headers =
                {{"X-Amz-Target", "AmazonSQS." + std::string(action)},
                 {"Content-Type", "application/x-amz-json-1.0"}},
        });
    }
    TestReply& query(std::string form, std::string path = "/") {
        return send({
            .path = std::move(path),
            .body = std::move(form),
            .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
        });
    }
    /// An action on a queue: `members` follow QueueUrl, without the braces.
    TestReply& on(std::string_view queue, std::string_view action, std::string_view members = "") {
        std::string body = R"({"QueueUrl":")" + std::string(base) + std::string(queue) + '"';
        if (!members.empty()) body += "," + std::string(members);
        return json(action, body + "}");
    }
    void make_queue(std::string_view name, std::string_view attributes = "") {
        std::string all(attributes);
        if (name.ends_with(".fifo"))
            all += std::string(all.empty() ? "" : ",") + R"("FifoQueue":"true")";
        const TestReply& reply = json(
            "CreateQueue",
            R"({"QueueName":")" + std::string(name) + R"(","Attributes":{)" + all + "}}"
        );
        ASSERT_EQ(reply.status(), 200) << reply.body();
    }
    std::string attribute(std::string_view queue, const std::string& name) {
        return on(queue, "GetQueueAttributes", R"("AttributeNames":["All"])")
            .at("Attributes/" + name);
    }
    /// Handle of the next message; "" when there is none.
    std::string receive(std::string_view queue) {
        return on(queue, "ReceiveMessage").at("Messages/0/ReceiptHandle");
    }

    TestClock clock;
    TestJournal journal;
    broker::Broker broker{{}, clock, journal};
    std::optional<Service> service{std::in_place, ServiceOptions{}, broker};
    std::deque<TestReply> replies;
};

}  // namespace tranter::sqs
