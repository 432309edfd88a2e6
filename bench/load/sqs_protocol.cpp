// AWS JSON 1.0 over HTTP/1.1. Requests are rendered once where they can be; answers are scanned for
// the members that matter instead of parsed, because the generator must cost less than the server.
#include "load/protocol.hpp"

#include <fmt/format.h>

#include <strings.h>

#include <array>
#include <iterator>

namespace tranter::bench {
namespace {

using Length = std::expected<std::size_t, std::string>;

/// What the JavaScript SDK puts into every request besides what the protocol needs.
constexpr std::string_view sdk_header_lines =
    "User-Agent: aws-sdk-js/3.888.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 "
    "api/sqs#3.888.0 m/E,n\r\n"
    "Accept: */*\r\n"
    "amz-sdk-invocation-id: 5f8a0c1e-7d3b-4a7c-9b57-2f6d1c1e8a90\r\n"
    "amz-sdk-request: attempt=1; max=3\r\n"
    "X-Amz-User-Agent: aws-sdk-js/3.888.0\r\n"
    "X-Amz-Date: 20260102T030405Z\r\n"
    "X-Amz-Content-Sha256: 00d04ae1ca8025057fefd7c2e981d300dc4bfd02a3fc34c9a0d6052b89a545bc\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sqs/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    "Signature=e9cfa084956afc0aeb393f23b79a37acc2ac99a6c240cd9c4787425bc17c4950\r\n";

/// The value of Content-Length among the header lines, or npos.
std::size_t content_length(std::string_view head) {
    static constexpr std::string_view name = "\r\ncontent-length:";
    for (std::size_t at = head.find('\r'); at != head.npos; at = head.find('\r', at + 1)) {
        if (head.size() - at <= name.size()) break;
        if (strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
        std::size_t i = at + name.size();
        while (i < head.size() && head[i] == ' ')
            ++i;
        std::size_t value = 0;
        while (i < head.size() && head[i] >= '0' && head[i] <= '9') {
            value = value * 10 + static_cast<std::size_t>(head[i++] - '0');
        }
        return value;
    }
    return std::string_view::npos;
}

unsigned occurrences(std::string_view text, std::string_view word) {
    unsigned found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) {
        ++found;
    }
    return found;
}

/// Every string value of the member, up to its first quote. Handles never contain escapes, and of a
/// body only the stamp at its start is looked at.
void collect(
    std::string_view text, std::string_view member, std::vector<std::string_view>& values
) {
    for (auto at = text.find(member); at != text.npos; at = text.find(member, at)) {
        at += member.size();
        const auto end = text.find('"', at);
        if (end == text.npos) return;
        values.push_back(text.substr(at, end - at));
        at = end;
    }
}

class SqsProtocol final : public Protocol {
  public:
    explicit SqsProtocol(const Options& options)
        : port_(options.port),
          queue_(options.queue),
          extra_headers_(options.sdk_headers ? sdk_header_lines : std::string_view{}),
          queue_member_(
              fmt::format(R"("QueueUrl":"http://127.0.0.1:{}/000000000000/{}")", port_, queue_)
          ) {
        const std::string body = make_body(options.body_bytes);
        for (unsigned count = 1; count <= sends_.size(); ++count) {
            sends_[count - 1] = render_send(count, body);
        }
    }

    void create(std::string& out) const override {
        out += request("CreateQueue", fmt::format(R"({{"QueueName":"{}"}})", queue_));
    }

    void send(std::string& out, unsigned count, std::string_view stamp) const override {
        const Template& rendered = sends_[count - 1];
        const std::size_t start = out.size();
        out += rendered.text;
        if (stamp.empty()) return;
        for (const std::size_t offset : rendered.bodies) {
            out.replace(start + offset, stamp.size(), stamp);
        }
    }

    void receive(std::string& out, unsigned max, unsigned wait_seconds) const override {
        out += request(
            "ReceiveMessage",
            fmt::format(
                R"({{{},"MaxNumberOfMessages":{},"WaitTimeSeconds":{}}})",
                queue_member_,
                max,
                wait_seconds
            )
        );
    }

    void remove(std::string& out, std::span<const std::string_view> handles) const override {
        if (handles.size() == 1) {
            out += request(
                "DeleteMessage",
                fmt::format(R"({{{},"ReceiptHandle":"{}"}})", queue_member_, handles[0])
            );
            return;
        }
        std::string json = fmt::format(R"({{{},"Entries":[)", queue_member_);
        for (std::size_t i = 0; i < handles.size(); ++i) {
            fmt::format_to(
                std::back_inserter(json),
                R"({}{{"Id":"{}","ReceiptHandle":"{}"}})",
                i == 0 ? "" : ",",
                i,
                handles[i]
            );
        }
        json += "]}";
        out += request("DeleteMessageBatch", json);
    }

    Length read(Op op, unsigned count, std::string_view input, Answer& answer) const override {
        const auto head_end = input.find("\r\n\r\n");
        if (head_end == input.npos) return 0;
        const std::string_view head = input.substr(0, head_end + 2);
        const std::size_t length = content_length(head);
        if (length == std::string_view::npos) {
            return std::unexpected(fmt::format("answer without Content-Length: {}", head));
        }
        const std::size_t total = head_end + 4 + length;
        if (input.size() < total) return 0;
        const std::string_view body = input.substr(head_end + 4, length);
        if (!head.starts_with("HTTP/1.1 200")) {
            return std::unexpected(fmt::format("{}: {}", head.substr(0, head.find('\r')), body));
        }
        if (!understood(op, count, body, answer)) {
            return std::unexpected(fmt::format("unexpected answer to {} messages: {}", count, body)
            );
        }
        return total;
    }

  private:
    struct Template {
        std::string text;
        std::vector<std::size_t> bodies;  // offset of each message body in the text
    };

    [[nodiscard]] Template render_send(unsigned count, std::string_view body) const {
        static constexpr std::string_view member = R"("MessageBody":")";
        std::string json;
        if (count == 1) {
            json = fmt::format(R"({{{},{}{}"}})", queue_member_, member, body);
        } else {
            json = fmt::format(R"({{{},"Entries":[)", queue_member_);
            for (unsigned i = 0; i < count; ++i) {
                fmt::format_to(
                    std::back_inserter(json),
                    R"({}{{"Id":"{}",{}{}"}})",
                    i == 0 ? "" : ",",
                    i,
                    member,
                    body
                );
            }
            json += "]}";
        }
        Template rendered{request(count == 1 ? "SendMessage" : "SendMessageBatch", json), {}};
        const std::string& text = rendered.text;
        for (auto at = text.find(member); at != text.npos; at = text.find(member, at)) {
            at += member.size();
            rendered.bodies.push_back(at);
        }
        return rendered;
    }

    /// True when the answer's body says that everything asked for was done.
    static bool understood(Op op, unsigned count, std::string_view body, Answer& answer) {
        if (body.find(R"("Failed":[{)") != body.npos) return false;
        switch (op) {
            case Op::create:
                return true;
            case Op::send:
                answer.messages = occurrences(body, R"("MessageId":")");
                return answer.messages == count;
            case Op::receive:
                collect(body, R"("ReceiptHandle":")", answer.handles);
                collect(body, R"("Body":")", answer.bodies);
                answer.messages = static_cast<unsigned>(answer.handles.size());
                return answer.handles.size() == answer.bodies.size() && answer.messages <= count;
            case Op::remove:
                answer.messages = count == 1 ? 1 : occurrences(body, R"("Id":")");
                return answer.messages == count;
        }
        return false;
    }

    [[nodiscard]] std::string request(std::string_view action, std::string_view json) const {
        return fmt::format(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/x-amz-json-1.0\r\n"
            "X-Amz-Target: AmazonSQS.{}\r\n{}Content-Length: {}\r\n\r\n{}",
            port_,
            action,
            extra_headers_,
            json.size(),
            json
        );
    }

    std::uint16_t port_;
    std::string queue_;
    std::string_view extra_headers_;
    std::string queue_member_;
    std::array<Template, 10> sends_;  // by number of messages - 1
};

}  // namespace

std::unique_ptr<Protocol> make_sqs_protocol(const Options& options) {
    return std::make_unique<SqsProtocol>(options);
}

}  // namespace tranter::bench
