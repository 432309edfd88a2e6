#include "sqs/call.hpp"
#include "sqs/delivery_output.hpp"
#include "sqs/text_rules.hpp"

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::sqs {

namespace {

constexpr std::int64_t wait_seconds_max = 20;
constexpr std::int64_t messages_max = 10;

/// A receive after its parameters were checked. `attempt_id` lives until the handler returns.
struct ReceiveInput {
    engine::ReceiveOptions options{};
    Duration wait{};
    DeliveryView view{};
};

/// Everything that is needed to answer a receive, at once or when a long poll ends.
struct Answer {
    const ServiceOptions& service;  // outlives every reply
    broker::Broker& broker;         // outlives every reply
    broker::QueueHandle queue;
    Dress dress;
    DeliveryView view;
    Reply reply;
    bool over_limit_is_failure = false;
    /// Written and read on the connection's thread only; 0: nothing is waiting.
    broker::Broker::WaitId wait_id = 0;

    void give(engine::Received received) {
        if (received.unavailable) {
            return std::move(reply).respond(dress.failure(
                {Code::service_unavailable,
                 "The hand-out could not be recorded: " + broker.journal().trouble()}
            ));
        }
        if (received.over_limit && over_limit_is_failure) {
            return std::move(reply).respond(dress.failure(
                {Code::over_limit,
                 "The maximum number of in flight messages is reached for this queue."}
            ));
        }
        http::Response response = dress.success([&](Output& output) {
            write_deliveries(output, {service, broker, *queue, view}, received.deliveries);
        });
        if (received.deliveries.empty()) return std::move(reply).respond(std::move(response));

        std::vector<engine::Receipt> receipts;
        receipts.reserve(received.deliveries.size());
        for (const engine::Delivery& delivery : received.deliveries) {
            receipts.push_back(delivery.receipt);
        }
        std::move(reply).respond(
            std::move(response),
            [&broker = broker, queue = queue, receipts = std::move(receipts)](bool written) {
                // Nobody holds these leases, so the messages must not wait until they end.
                if (!written) broker.take_back(queue, receipts);
            }
        );
    }
};

Outcome<std::optional<std::int64_t>> read_number(
    Call& call, std::string_view name, std::int64_t min, std::int64_t max, std::string_view rule
) {
    const auto number = call.input.integer(name);
    if (!number) return std::optional<std::int64_t>();
    if (!number->valid || number->value < min || number->value > max) {
        return Failed(invalid_value(number->shown(), name, rule));
    }
    return std::optional(number->value);
}

Outcome<> read_numbers(Call& call, const broker::QueueSettings& settings, ReceiveInput& input) {
    const bool strict = call.options.limits == Limits::strict;
    constexpr std::int64_t unlimited = std::numeric_limits<std::int32_t>::max();
    const auto messages = read_number(
        call,
        "MaxNumberOfMessages",
        1,
        strict ? messages_max : unlimited,
        "Must be between 1 and 10, if provided."
    );
    if (!messages) return Failed(messages.error());
    const auto wait = read_number(
        call,
        "WaitTimeSeconds",
        0,
        strict ? wait_seconds_max : unlimited,
        "Must be >= 0 and <= 20, if provided."
    );
    if (!wait) return Failed(wait.error());
    const auto visibility = read_number(
        call,
        "VisibilityTimeout",
        0,
        visibility_seconds_max,
        "Must be >= 0 and <= 43200, if provided."
    );
    if (!visibility) return Failed(visibility.error());

    input.options.max_messages = static_cast<std::uint32_t>(messages->value_or(1));
    input.wait = *wait ? Duration(std::chrono::seconds(**wait)) : settings.receive_wait;
    if (*visibility) input.options.visibility_timeout = std::chrono::seconds(**visibility);
    return {};
}

Outcome<> read_attempt_id(Call& call, bool fifo, ReceiveInput& input) {
    const auto id = call.input.text("ReceiveRequestAttemptId");
    if (!id || id->empty()) return {};
    if (!fifo) {
        return Failed(invalid_value(
            *id,
            "ReceiveRequestAttemptId",
            "The request includes a parameter that is not valid for this queue type."
        ));
    }
    if (!is_opaque_id(*id)) {
        return Failed(invalid_value(
            *id,
            "ReceiveRequestAttemptId",
            "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. "
            "1 to 128 in length."
        ));
    }
    input.options.attempt_id = *id;
    return {};
}

Outcome<ReceiveInput> read_receive(Call& call, const broker::Queue& queue) {
    ReceiveInput input;
    Outcome<> good = read_numbers(call, *queue.settings(), input);
    if (good) good = read_attempt_id(call, queue.fifo(), input);
    if (good) good = input.view.system.add(call.input.list({"AttributeNames", "AttributeName"}));
    if (good) {
        good = input.view.system.add(
            call.input.list({"MessageSystemAttributeNames", "MessageSystemAttributeName"})
        );
    }
    if (good) {
        good =
            input.view.user.add(call.input.list({"MessageAttributeNames", "MessageAttributeName"}));
    }
    if (call.input.failure()) return Failed(*call.input.failure());
    if (!good) return Failed(good.error());
    return input;
}

/// A client that gives up, or whose time is over, is answered with nothing. cancel_wait() has no
/// effect once the wait was answered, so whoever comes first wins.
void wait_for_messages(const std::shared_ptr<Answer>& answer, const ReceiveInput& input) {
    const auto end_wait = [answer] {
        if (answer->wait_id != 0) answer->broker.cancel_wait(answer->queue, answer->wait_id);
    };
    answer->reply.on_disconnect(end_wait);
    answer->reply.on_deadline(input.wait, end_wait);
    Answer& waiting = *answer;
    const auto id = waiting.broker.receive(
        waiting.queue,
        input.options,
        true,
        [answer](engine::Received received) { answer->give(std::move(received)); }
    );
    waiting.wait_id = id;
}

}  // namespace

Outcome<> receive_message(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    Outcome<ReceiveInput> input = read_receive(call, **queue);
    if (!input) return Failed(input.error());

    call.reply_taken = true;
    const bool wait = input->wait > Duration::zero();
    Answer answer{
        .service = call.options,
        .broker = call.broker,
        .queue = *queue,
        .dress = call.dress,
        .view = std::move(input->view),
        .reply = std::move(call.reply),
        .over_limit_is_failure = !wait && !(*queue)->fifo(),
    };
    if (wait) {
        wait_for_messages(std::make_shared<Answer>(std::move(answer)), *input);
        return {};
    }
    std::ignore = call.broker.receive(
        *queue,
        input->options,
        false,
        [answer = std::move(answer)](engine::Received received) mutable {
            answer.give(std::move(received));
        }
    );
    return {};
}

}  // namespace tranter::sqs
