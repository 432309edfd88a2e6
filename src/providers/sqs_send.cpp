#include "providers/sqs_send.hpp"

#include "base/log.hpp"
#include "providers/sqs_batch.hpp"
#include "providers/sqs_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace tranter::providers {

namespace {

// The limit of SQS until 2025, and that of most that imitate it.
constexpr std::size_t small_batch_bytes_max = std::size_t{256} << 10;

bool names_group(const Error& error) {
    return error.code() == Errc::invalid_argument &&
           (error.message().contains("MessageGroupId") ||
            error.message().contains("not valid for this queue type"));
}

class SqsSender {
  public:
    SqsSender(SqsEndpoint& endpoint, const SqsQueue& queue, AfterRefusal after_refusal)
        : endpoint_(endpoint), queue_(queue), after_refusal_(after_refusal) {
        if (queue.message_bytes_max <= small_batch_bytes_max) {
            batch_bytes_max_ = small_batch_bytes_max;
        }
    }

    std::vector<Result<std::string>> run(std::span<const SqsMessage> messages) {
        messages_ = messages;
        while (results_.size() < messages_.size() && !stopped_) {
            if (auto problem = problem_of_size(messages_[results_.size()])) {
                take(fail(Errc::invalid_argument, std::move(*problem)));
            } else {
                send_some(next_batch());
            }
        }
        const Error behind(Errc::cancelled, "not sent, because another one was refused");
        results_.resize(messages_.size(), std::unexpected(behind));
        return std::move(results_);
    }

  private:
    std::optional<std::string> problem_of_size(const SqsMessage& message) const {
        const std::size_t bytes = message.bytes(queue_.group_ids);
        if (bytes <= queue_.message_bytes_max) return std::nullopt;
        return fmt::format(
            "the job is {} bytes with its attributes, queue {} at {} takes {}",
            bytes,
            queue_.name,
            endpoint_.name(),
            queue_.message_bytes_max
        );
    }

    std::span<const SqsMessage> next_batch() const {
        const auto rest = messages_.subspan(results_.size());
        std::size_t bytes = 0;
        std::size_t count = 0;
        while (count < rest.size() && count < batch_max_) {
            bytes += rest[count].bytes(queue_.group_ids);
            if (count > 0 && (bytes > batch_bytes_max_ || problem_of_size(rest[count]))) break;
            ++count;
        }
        return rest.first(count);
    }

    void take(Result<std::string> result) {
        stopped_ = stopped_ || (!result && after_refusal_ == AfterRefusal::stop);
        results_.push_back(std::move(result));
    }

    Result<std::vector<SqsEntryResult>> call(std::span<const SqsMessage> batch) {
        const GroupIds group_ids = queue_.group_ids;
        std::vector<aws::Json> entries;
        entries.reserve(batch.size());
        for (const SqsMessage& message : batch) {
            entries.push_back(sqs_entry(message, group_ids));
        }
        return call_sqs_batch(
            endpoint_, {.action = "SendMessageBatch", .queue_url = queue_.url}, entries
        );
    }

    /// Whether the refusal can be helped by leaving out groups, which it then does.
    bool gives_up_groups(const Error& error) {
        if (queue_.fifo || queue_.group_ids == GroupIds::refused || !names_group(error))
            return false;
        queue_.group_ids = GroupIds::refused;
        log_warn(
            "sqs",
            "the endpoint takes no MessageGroupId on standard queues, groups go in an attribute",
            {{"endpoint", endpoint_.name()}, {"queue", queue_.name}, {"error", error.message()}}
        );
        return true;
    }

    bool gives_up_size(std::size_t batch_size, const Error& error) {
        if (batch_size == 1 || !error.message().contains("BatchRequestTooLong")) return false;
        batch_max_ = batch_size / 2;
        return true;
    }

    void send_some(std::span<const SqsMessage> batch) {
        auto answer = call(batch);
        if (!answer) {
            const Error& error = answer.error();
            if (gives_up_groups(error) || gives_up_size(batch.size(), error)) return;
            stopped_ = true;
            results_.resize(results_.size() + batch.size(), std::unexpected(error));
            return;
        }
        for (std::size_t i = 0; i < batch.size(); ++i) {
            SqsEntryResult& entry = (*answer)[i];
            const bool again =
                !entry && !batch[i].group.empty() && names_group(entry.error()) &&
                (gives_up_groups(entry.error()) || queue_.group_ids == GroupIds::refused);
            if (again) entry = call_one(batch[i]);
            take(
                entry ? Result<std::string>((*entry)["MessageId"].text())
                      : std::unexpected(std::move(entry.error()))
            );
        }
    }

    SqsEntryResult call_one(const SqsMessage& message) {
        auto answer = call({&message, 1});
        if (!answer) return std::unexpected(std::move(answer.error()));
        return std::move(answer->front());
    }

    SqsEndpoint& endpoint_;
    const SqsQueue& queue_;
    AfterRefusal after_refusal_;
    std::span<const SqsMessage> messages_{};
    std::vector<Result<std::string>> results_{};
    std::size_t batch_max_ = sqs_batch_max;
    std::size_t batch_bytes_max_ = sqs_message_bytes_max;
    bool stopped_ = false;
};

}  // namespace

std::vector<Result<std::string>> send_sqs_messages(
    SqsEndpoint& endpoint,
    const SqsQueue& queue,
    std::span<const SqsMessage> messages,
    AfterRefusal after_refusal
) {
    return SqsSender(endpoint, queue, after_refusal).run(messages);
}

std::vector<Result<>> delete_sqs_messages(
    SqsEndpoint& endpoint, const SqsQueue& queue, std::span<const std::string> handles
) {
    std::vector<aws::Json> entries;
    entries.reserve(handles.size());
    for (const std::string& handle : handles) {
        aws::Json entry;
        entries.push_back(std::move(entry.set("ReceiptHandle", handle)));
    }
    const auto answers = call_sqs_batches(
        endpoint, {.action = "DeleteMessageBatch", .queue_url = queue.url}, entries
    );
    std::vector<Result<>> results;
    results.reserve(answers.size());
    for (const SqsEntryResult& answer : answers) {
        results.push_back(answer ? Result<>() : std::unexpected(answer.error()));
    }
    return results;
}

std::vector<SqsReplaced> replace_sqs_messages(
    SqsEndpoint& endpoint,
    const SqsQueue& from,
    const SqsQueue& to,
    std::span<const SqsReplacement> replacements
) {
    std::vector<SqsReplaced> results(replacements.size());
    std::vector<SqsMessage> copies;
    copies.reserve(replacements.size());
    for (const SqsReplacement& replacement : replacements) {
        copies.push_back(replacement.copy);
    }
    const auto ids = send_sqs_messages(endpoint, to, copies, AfterRefusal::go_on);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        results[i].copied = ids[i].has_value();
        if (!ids[i]) results[i].done = std::unexpected(ids[i].error());
    }

    std::vector<std::string> handles;
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < replacements.size(); ++i) {
        if (!results[i].copied) continue;
        handles.push_back(replacements[i].handle);
        left.push_back(i);
    }
    auto deleted = delete_sqs_messages(endpoint, from, handles);
    for (std::size_t i = 0; i < deleted.size(); ++i) {
        results[left[i]].done = std::move(deleted[i]);
    }
    return results;
}

}  // namespace tranter::providers
