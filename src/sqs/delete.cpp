#include "sqs/batch.hpp"
#include "sqs/call.hpp"
#include "sqs/receipts.hpp"

#include <vector>

namespace tranter::sqs {

namespace {

constexpr BatchKind delete_batch{
    {"Entries", "DeleteMessageBatchRequestEntry"}, {"Successful", "DeleteMessageBatchResultEntry"}};

Outcome<> delete_one(Call& call, const broker::QueueHandle& queue, std::string_view handle) {
    const auto receipt = read_receipt(call, queue, handle);
    if (!receipt) return Failed(receipt.error());
    const auto result = call.broker.acknowledge(queue, *receipt);
    if (!result.done) {
        if (result.done.error().code() == Errc::conflict) {
            return Failed(invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
            );
        }
        return Failed(from_error(result.done.error()));
    }
    call.wait_for(result.position);
    return {};
}

}  // namespace

Outcome<> delete_message(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto handle = call.input.text("ReceiptHandle");
    if (Outcome<> good = call.check_input(); !good) return good;
    return delete_one(call, *queue, handle.value_or(std::string_view()));
}

Outcome<> delete_message_batch(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    std::vector<std::string_view> ids;
    std::vector<std::string_view> handles;
    ids.reserve(10);
    handles.reserve(10);
    const std::size_t most = batch_entries_max(call.options.limits);
    const std::size_t count = call.input.entries(delete_batch.entries, most, [&](Input& entry) {
        ids.push_back(entry.text("Id").value_or(std::string_view()));
        handles.push_back(entry.text("ReceiptHandle").value_or(std::string_view()));
    });
    if (Outcome<> good = call.check_input(); !good) return good;
    if (Outcome<> good = check_batch(ids, count, delete_batch, call.options.limits); !good) {
        return good;
    }

    BatchAnswer answer(call.output, delete_batch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (Outcome<> done = delete_one(call, *queue, handles[i]); done) {
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
