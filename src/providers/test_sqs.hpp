#pragma once

#include "providers/sqs_endpoint.hpp"
#include "providers/sqs_provider.hpp"
#include "providers/sqs_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// An SQS of a few lines for the tests of the sqs: provider: its time passes by calls, and a test
/// can refuse whatever it likes.
namespace tranter::providers {

struct TestTime {
    Instant now{std::chrono::hours(24 * 365 * 50)};
};

class TestClock final : public Clock {
  public:
    explicit TestClock(std::shared_ptr<TestTime> time) : time_(std::move(time)) {}
    Instant now() const override { return time_->now; }

  private:
    std::shared_ptr<TestTime> time_;
};

/// Standard and FIFO queues alike: no order of groups, no de-duplication. All of it is public,
/// because it is the tests' own.
class TestSqs {
  public:
    struct Message {
        std::string id{};
        std::string handle{};
        aws::Json entry{};  // as it was sent
        Instant sent_at{};
        Instant visible_at{};
        int receives = 0;
    };
    struct Queue {
        aws::Json attributes{};
        std::vector<Message> messages{};
    };

    std::shared_ptr<TestTime> time = std::make_shared<TestTime>();
    std::map<std::string, Queue> queues{};
    std::vector<std::pair<std::string, std::string>> calls{};  // action, input
    /// The answer to a call instead of the usual one.
    std::function<std::optional<Result<aws::Json>>(const SqsCall& call)> instead{};
    /// Why an entry of a batch is refused: a code; empty: it is not.
    std::function<std::string(std::string_view action, const aws::Json& entry)> refuse{};

    void pass(Duration time_passed) { time->now += time_passed; }

    std::size_t calls_of(std::string_view action) const {
        return static_cast<std::size_t>(
            std::ranges::count(calls, action, &std::pair<std::string, std::string>::first)
        );
    }

    Result<aws::Json> call(const SqsCall& call) {
        calls.emplace_back(call.action, call.input.dump());
        if (instead) {
            if (auto answer = instead(call)) return *answer;
        }
        const std::string_view url = call.input["QueueUrl"].text();
        const std::string name(url.substr(url.rfind('/') + 1));
        if (call.action == "ListQueues") return list();
        if (call.action == "CreateQueue") return create(call.input);
        if (!queues.contains(name)) {
            return fail(Errc::not_found, "AWS.SimpleQueueService.NonExistentQueue: no such queue");
        }
        Queue& queue = queues[name];
        if (call.action == "GetQueueAttributes") return attributes(name, queue);
        if (call.action == "ReceiveMessage") return receive(queue, call.input);
        return batch(queue, call);
    }

  private:
    int ids_ = 0;
    int handles_ = 0;

    Result<aws::Json> list() const {
        aws::Json urls(aws::Json::Array{});
        for (const auto& [name, queue] : queues) {
            urls.push("http://elsewhere/000000000000/" + name);
        }
        aws::Json answer;
        answer.set("QueueUrls", std::move(urls));
        return answer;
    }

    Result<aws::Json> create(const aws::Json& input) {
        const std::string name(input["QueueName"].text());
        queues.try_emplace(name, Queue{.attributes = input["Attributes"]});
        aws::Json answer;
        answer.set("QueueUrl", "http://elsewhere/000000000000/" + name);
        return answer;
    }

    Result<aws::Json> attributes(const std::string& name, const Queue& queue) const {
        aws::Json all = queue.attributes;
        all.set("QueueArn", "arn:aws:sqs:us-east-1:000000000000:" + name);
        const auto hidden = std::ranges::count_if(queue.messages, [&](const Message& message) {
            return message.visible_at > time->now;
        });
        const auto count = static_cast<std::int64_t>(queue.messages.size());
        all.set("ApproximateNumberOfMessages", fmt::to_string(count - hidden))
            .set("ApproximateNumberOfMessagesNotVisible", fmt::to_string(hidden));
        aws::Json answer;
        answer.set("Attributes", std::move(all));
        return answer;
    }

    Result<aws::Json> receive(Queue& queue, const aws::Json& input) {
        aws::Json messages;
        for (Message& message : queue.messages) {
            const auto count = static_cast<std::int64_t>(messages.items().size());
            if (message.visible_at > time->now) continue;
            if (count == input["MaxNumberOfMessages"].number()) break;
            ++message.receives;
            message.handle = fmt::format("handle.{}", ++handles_);
            message.visible_at =
                time->now + std::chrono::seconds(input["VisibilityTimeout"].number());
            messages.push(shown(message));
        }
        if (messages.items().empty()) {
            pass(std::chrono::seconds(input["WaitTimeSeconds"].number()));
        }
        aws::Json answer(aws::Json::Object{});
        if (!messages.items().empty()) answer.set("Messages", std::move(messages));
        return answer;
    }

    static aws::Json shown(const Message& message) {
        aws::Json system;
        const auto millis = unix_millis(message.sent_at);
        system.set("ApproximateReceiveCount", fmt::to_string(message.receives))
            .set("SentTimestamp", fmt::to_string(millis));
        const std::string_view group = message.entry["MessageGroupId"].text();
        if (!group.empty()) system.set("MessageGroupId", group);
        aws::Json json;
        json.set("MessageId", message.id)
            .set("ReceiptHandle", message.handle)
            .set("Body", message.entry["MessageBody"])
            .set("Attributes", std::move(system))
            .set("MessageAttributes", message.entry["MessageAttributes"]);
        return json;
    }

    Result<aws::Json> batch(Queue& queue, const SqsCall& call) {
        aws::Json good(aws::Json::Array{});
        aws::Json bad(aws::Json::Array{});
        for (const aws::Json& entry : call.input["Entries"].items()) {
            aws::Json answer;
            answer.set("Id", entry["Id"]);
            const std::string code = refuse ? refuse(call.action, entry) : std::string();
            if (!code.empty()) {
                bad.push(answer.set("Code", code).set("Message", "refused"));
                continue;
            }
            if (call.action == "SendMessageBatch") answer.set("MessageId", send(queue, entry));
            if (call.action == "DeleteMessageBatch") {
                std::erase_if(queue.messages, [&](const Message& message) {
                    return message.handle == entry["ReceiptHandle"].text();
                });
            }
            if (call.action == "ChangeMessageVisibilityBatch") change(queue, entry);
            good.push(std::move(answer));
        }
        aws::Json answer;
        answer.set("Successful", std::move(good)).set("Failed", std::move(bad));
        return answer;
    }

    std::string send(Queue& queue, const aws::Json& entry) {
        const auto delay = std::chrono::seconds(entry["DelaySeconds"].number());
        queue.messages.push_back(
            {.id = fmt::format("message-{}", ++ids_),
             .entry = entry,
             .sent_at = time->now,
             .visible_at = time->now + delay}
        );
        return queue.messages.back().id;
    }

    void change(Queue& queue, const aws::Json& entry) const {
        for (Message& message : queue.messages) {
            if (message.handle != entry["ReceiptHandle"].text()) continue;
            message.visible_at =
                time->now + std::chrono::seconds(entry["VisibilityTimeout"].number());
        }
    }
};

class TestSqsEndpoint final : public SqsEndpoint {
  public:
    explicit TestSqsEndpoint(TestSqs& sqs) : sqs_(sqs) {}
    std::string_view name() const override { return "http://test"; }
    Result<aws::Json> call(const SqsCall& call) override { return sqs_.call(call); }

  private:
    TestSqs& sqs_;
};

/// One process that works with it.
inline std::shared_ptr<Provider> open_test_sqs(
    TestSqs& sqs, std::string_view url = "sqs:http://127.0.0.1:9324/000000000000"
) {
    return make_sqs_provider(
        parse_sqs_url(url).value(),
        std::make_unique<TestSqsEndpoint>(sqs),
        std::make_unique<TestClock>(sqs.time)
    );
}

}  // namespace tranter::providers
