#include "sqs/batch.hpp"
#include "sqs/call.hpp"
#include "sqs/receipts.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace tranter::sqs {

namespace {

constexpr BatchKind visibility_batch{
    {"Entries", "ChangeMessageVisibilityBatchRequestEntry"},
    {"Successful", "ChangeMessageVisibilityBatchResultEntry"}};

struct VisibilityInput {
    std::string_view handle{};
    std::optional<Integer> timeout{};
};

VisibilityInput read_visibility(Input& input) {
    return {
        input.text("ReceiptHandle").value_or(std::string_view()),
        input.integer("VisibilityTimeout")};
}

Failure refused(const Error& error, const VisibilityInput& input) {
    switch (error.code()) {
        case Errc::not_found:
            return invalid_value(
                input.handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change."
            );
        case Errc::conflict:
            return {Code::message_not_inflight, "The specified message is not in flight."};
        case Errc::invalid_argument:
            return invalid_value(
                input.timeout->shown(),
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
            );
        default:
            return from_error(error);
    }
}

Outcome<> change_one(Call& call, const broker::QueueHandle& queue, const VisibilityInput& input) {
    if (!input.timeout) return Failed(missing("VisibilityTimeout"));
    const Integer& timeout = *input.timeout;
    if (!timeout.valid || timeout.value < 0 || timeout.value > visibility_seconds_max) {
        return Failed(
            invalid_value(timeout.shown(), "VisibilityTimeout", "Must be between 0 and 43200.")
        );
    }
    const auto receipt = read_receipt(call, queue, input.handle);
    if (!receipt) return Failed(receipt.error());
    const auto result =
        call.broker.change_visibility(queue, *receipt, std::chrono::seconds(timeout.value));
    if (!result.done) return Failed(refused(result.done.error(), input));
    call.wait_until_written(result.position);
    return {};
}

}  // namespace

Outcome<> change_message_visibility(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const VisibilityInput input = read_visibility(call.input);
    if (Outcome<> good = call.check_input(); !good) return good;
    if (input.handle.empty()) return Failed(missing("ReceiptHandle"));
    return change_one(call, *queue, input);
}

Outcome<> change_message_visibility_batch(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    std::vector<std::string_view> ids;
    std::vector<VisibilityInput> inputs;
    const std::size_t most = batch_entries_max(call.options.limits);
    const std::size_t count = call.input.entries(visibility_batch.entries, most, [&](Input& entry) {
        ids.push_back(entry.text("Id").value_or(std::string_view()));
        inputs.push_back(read_visibility(entry));
    });
    if (Outcome<> good = call.check_input(); !good) return good;
    if (Outcome<> good = check_batch(ids, count, visibility_batch, call.options.limits); !good) {
        return good;
    }

    BatchAnswer answer(call.output, visibility_batch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (Outcome<> done = change_one(call, *queue, inputs[i]); done) {
            answer.begin_success(ids[i]);
            answer.end_success();
        } else {
            answer.failure(ids[i], std::move(done.error()));
        }
    }
    answer.finish();
    return {};
}

}  // namespace tranter::sqs
