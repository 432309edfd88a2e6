#include "providers/sqs_batch.hpp"

#include "aws/sqs_client.hpp"
#include "providers/sqs_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

namespace tranter::providers {

namespace {

constexpr int entry_tries_max = 4;
constexpr std::chrono::milliseconds first_entry_rest(100);

/// What SQS answers when it is its own fault.
bool is_passing(const aws::Json& failure) {
    const std::string_view code = failure["Code"].text();
    return code.contains("Throttl") || code.contains("InternalError") ||
           code.contains("InternalFailure") || code.contains("ServiceUnavailable");
}

Error error_of_entry(const SqsEndpoint& endpoint, const SqsBatch& batch, const aws::Json& failure) {
    const std::string_view code = failure["Code"].text();
    Errc errc = aws::errc_of_aws_code(code);
    if (errc == Errc::internal) {
        errc = is_passing(failure) ? Errc::unavailable : Errc::invalid_argument;
    }
    return {
        errc,
        fmt::format(
            "{} at {}: {}: {}", batch.action, endpoint.name(), code, failure["Message"].text()
        )};
}

aws::Json input_of(
    const SqsBatch& batch,
    std::span<const aws::Json> entries,
    const std::vector<std::size_t>& indexes
) {
    aws::Json list;
    for (const std::size_t index : indexes) {
        aws::Json entry = entries[index];
        entry.set("Id", fmt::to_string(index));
        list.push(std::move(entry));
    }
    aws::Json input;
    input.set("QueueUrl", batch.queue_url).set("Entries", std::move(list));
    return input;
}

}  // namespace

Result<std::vector<SqsEntryResult>> call_sqs_batch(
    SqsEndpoint& endpoint, const SqsBatch& batch, std::span<const aws::Json> entries
) {
    const Error unanswered(
        Errc::internal,
        fmt::format("{} at {} did not answer for every entry", batch.action, endpoint.name())
    );
    std::vector<SqsEntryResult> results(entries.size(), std::unexpected(unanswered));
    std::vector<std::size_t> indexes(entries.size());
    std::iota(indexes.begin(), indexes.end(), std::size_t{0});
    auto rest = first_entry_rest;
    for (int tries = 1; !indexes.empty(); ++tries) {
        const aws::Json input = input_of(batch, entries, indexes);
        const auto answer = endpoint.call({.action = batch.action, .input = input});
        if (!answer && tries == 1) return std::unexpected(answer.error());
        if (!answer) break;  // the entries that are left have their own errors
        for (const aws::Json& entry : (*answer)["Successful"].items()) {
            const auto index = static_cast<std::size_t>(entry["Id"].number());
            if (index < results.size()) results[index] = entry;
        }
        indexes.clear();
        for (const aws::Json& entry : (*answer)["Failed"].items()) {
            const auto index = static_cast<std::size_t>(entry["Id"].number());
            if (index >= results.size()) continue;
            results[index] = std::unexpected(error_of_entry(endpoint, batch, entry));
            if (is_passing(entry) && tries < entry_tries_max) indexes.push_back(index);
        }
        if (indexes.empty()) break;
        std::this_thread::sleep_for(rest);
        rest *= 4;
    }
    return results;
}

std::vector<SqsEntryResult> call_sqs_batches(
    SqsEndpoint& endpoint, const SqsBatch& batch, std::span<const aws::Json> entries
) {
    std::vector<SqsEntryResult> results;
    results.reserve(entries.size());
    while (!entries.empty()) {
        const auto some = entries.first(std::min(entries.size(), sqs_batch_max));
        entries = entries.subspan(some.size());
        auto answer = call_sqs_batch(endpoint, batch, some);
        if (answer) {
            std::ranges::move(*answer, std::back_inserter(results));
        } else {
            results.insert(results.end(), some.size(), std::unexpected(answer.error()));
        }
    }
    return results;
}

}  // namespace tranter::providers
