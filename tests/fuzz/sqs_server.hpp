#pragma once

#include "base/encoding.hpp"
#include "broker/broker.hpp"
#include "http/message.hpp"
#include "sqs/service.hpp"

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// A server without a socket for the fuzz targets of the two SQS codecs, and what must hold for
/// every answer whatever was asked.
namespace tranter::fuzz {

[[noreturn]] inline void fail(const char* what, std::string_view text) {
    std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
    std::abort();
}

class StillClock final : public Clock {
  public:
    Instant now() const override { return Instant(std::chrono::seconds(1'767'323'045)); }
};

class Sink final : public sqs::ReplySink {
  public:
    void respond(http::Response response, http::Exchange::Settled) override {
        if (answered) fail("answered twice", response.body);
        answered = true;
        answer = std::move(response);
        disconnect = {};
    }
    void on_disconnect(http::Exchange::Hook hook) override { disconnect = std::move(hook); }
    void on_deadline(Duration, http::Exchange::Hook) override {}

    bool answered = false;
    http::Response answer;
    http::Exchange::Hook disconnect;
};

/// One standard queue `q` and one FIFO queue `q.fifo`, with a message each.
class SqsServer {
  public:
    SqsServer() {
        ask({{"Content-Type", form_type}}, "", "Action=CreateQueue&QueueName=q");
        ask({{"Content-Type", form_type}},
            "",
            "Action=CreateQueue&QueueName=q.fifo&Attribute.1.Name=FifoQueue&Attribute.1.Value=true"
        );
        ask({{"Content-Type", form_type}}, "", "Action=SendMessage&QueueUrl=q&MessageBody=x");
        ask({{"Content-Type", form_type}},
            "",
            "Action=SendMessage&QueueUrl=q.fifo&MessageBody=x&MessageGroupId=g"
            "&MessageDeduplicationId=d");
    }

    http::Response ask_json(std::string_view action, std::string_view body) {
        const std::string target = "AmazonSQS." + std::string(action);
        return ask(
            {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", target}}, "", body
        );
    }
    http::Response ask_query(std::string_view query, std::string_view body) {
        return ask({{"Content-Type", form_type}}, query, body);
    }

  private:
    static constexpr std::string_view form_type = "application/x-www-form-urlencoded";

    http::Response ask(
        std::vector<http::Header> headers, std::string_view query, std::string_view body
    ) {
        headers.push_back({"Host", "127.0.0.1:9324"});
        // A block of exactly this size, so that a read beyond the padding is found.
        std::vector<char> padded(body.begin(), body.end());
        padded.resize(body.size() + http::body_padding_bytes);
        const http::Request request{
            .method = "POST",
            .target = "/",
            .path = "/",
            .query = query,
            .body = {padded.data(), body.size()},
            .headers = headers,
            .peer = "127.0.0.1",
        };
        Sink sink;
        service_.handle(request, sqs::Reply(sink));
        if (!sink.answered && sink.disconnect) {
            auto disconnect = std::move(sink.disconnect);
            disconnect();
        }
        if (!sink.answered) fail("not answered", body);
        if (sink.answer.status >= 500) fail("the server's fault", sink.answer.body);
        if (!is_valid_utf8(sink.answer.body)) fail("the answer is not UTF-8", sink.answer.body);
        return std::move(sink.answer);
    }

    StillClock clock_;
    broker::NullJournal journal_;
    broker::Broker broker_{{}, clock_, journal_};
    sqs::Service service_{{}, broker_};
};

/// Empty, or one JSON object; errors name their type and carry the header that SDKs read.
inline void check_json_answer(const http::Response& answer) {
    if (answer.body.empty() && answer.status == 200) return;
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    const simdjson::padded_string padded(answer.body);
    if (parser.parse(padded).get(object) != simdjson::SUCCESS) {
        fail("the answer is not a JSON object", answer.body);
    }
    if (answer.status == 200) return;
    std::string_view text;
    if (object["__type"].get(text) != simdjson::SUCCESS ||
        object["message"].get(text) != simdjson::SUCCESS ||
        answer.headers.find("x-amzn-query-error: ") == std::string::npos) {
        fail("the error is not complete", answer.body);
    }
}

/// Well-formed XML of the small kind that the server writes: elements, text, the five entities and
/// carriage returns by number.
class XmlChecker {
  public:
    explicit XmlChecker(std::string_view text) : whole_(text), rest_(text) {}

    void check() {
        constexpr std::string_view declaration = "<?xml version=\"1.0\"?>\n";
        if (rest_.starts_with(declaration)) rest_.remove_prefix(declaration.size());
        while (!rest_.empty()) {
            if (rest_.front() == '<') {
                tag();
            } else {
                character();
            }
        }
        if (!open_.empty()) fail("an element is not closed", whole_);
    }

  private:
    void tag() {
        const std::size_t end = rest_.find('>');
        if (end == std::string_view::npos) fail("a tag does not end", whole_);
        std::string_view tag = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        if (tag.starts_with('/')) {
            if (open_.empty() || open_.back() != tag.substr(1))
                fail("a tag closes nothing", whole_);
            open_.pop_back();
        } else if (!tag.ends_with('/')) {
            open_.push_back(tag.substr(0, tag.find(' ')));
        }
    }

    void character() {
        const auto byte = static_cast<unsigned char>(rest_.front());
        if (byte == '&') {
            for (const std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#13;"}) {
                if (rest_.starts_with(entity)) {
                    rest_.remove_prefix(entity.size());
                    return;
                }
            }
            fail("an unknown entity", whole_);
        }
        if (byte < 0x20 && byte != '\n' && byte != '\t') fail("a control character", whole_);
        if (rest_.starts_with("\xEF\xBF\xBE") || rest_.starts_with("\xEF\xBF\xBF")) {
            fail("a character that XML forbids", whole_);
        }
        rest_.remove_prefix(1);
    }

    std::string_view whole_;
    std::string_view rest_;
    std::vector<std::string_view> open_;
};

}  // namespace tranter::fuzz
