#include "providers/sqs_enqueue.hpp"

#include "providers/sqs_send.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>

namespace tranter::providers {

namespace {

// SQS takes a moment to know a queue that was made.
constexpr int missing_tries_max = 4;
constexpr std::chrono::milliseconds missing_rest(500);

Error error_of_job(std::size_t index, std::size_t count, const Error& error) {
    if (count == 1) return error;
    return {error.code(), fmt::format("jobs[{}]: {}", index, error.message())};
}

Result<std::vector<SqsMessage>> messages_of(
    std::span<const NewJob> jobs, const SqsJobRules& rules, TimePoint now
) {
    std::vector<SqsMessage> messages;
    messages.reserve(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (std::string problem = problem_of(jobs[i]); !problem.empty()) {
            const Error error(Errc::invalid_argument, std::move(problem));
            return std::unexpected(error_of_job(i, jobs.size(), error));
        }
        auto message = message_of_job(jobs[i], rules, now);
        if (!message) return std::unexpected(error_of_job(i, jobs.size(), message.error()));
        messages.push_back(std::move(*message));
    }
    return messages;
}

/// "jobs 0 to 9 and 11 of 25 were enqueued, jobs[10]: ..."
Error describe_partial_failure(const std::vector<Result<std::string>>& sent) {
    const auto failed = std::ranges::find_if(sent, [](const auto& id) { return !id; });
    const auto index = static_cast<std::size_t>(failed - sent.begin());
    std::string ranges;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        if (!sent[i]) continue;
        std::size_t end = i;
        while (end + 1 < sent.size() && sent[end + 1]) {
            ++end;
        }
        if (!ranges.empty()) ranges += ", ";
        ranges += end == i ? fmt::to_string(i) : fmt::format("{} to {}", i, end);
        i = end;
    }
    const Error& error = failed->error();
    if (ranges.empty()) return error_of_job(index, sent.size(), error);
    return {
        error.code(),
        fmt::format(
            "jobs[{}]: {}; of {} jobs these were enqueued: {}",
            index,
            error.message(),
            sent.size(),
            ranges
        )};
}

bool is_missing(const Result<std::string>& id) {
    return !id && id.error().code() == Errc::not_found;
}

/// Sends what `messages_for(rules)` returns, again for as long as SQS does not know the queue.
template <class MessagesFor>
Result<std::vector<Result<std::string>>> send_to_queue(
    SqsStore& store,
    std::string_view name,
    AfterRefusal after_refusal,
    const MessagesFor& messages_for
) {
    for (int tries = 1;; ++tries) {
        const auto queue = store.queues.get_or_make(name);
        if (!queue) return std::unexpected(queue.error());
        const auto messages = messages_for((*queue)->rules(store.url.default_type));
        if (!messages) return std::unexpected(messages.error());
        auto sent = send_sqs_messages(*store.endpoint, **queue, *messages, after_refusal);
        const bool missing = !sent.empty() && is_missing(sent.front());
        if (!missing || tries == missing_tries_max) return sent;
        // It was deleted since we looked, or it is too new.
        store.queues.forget(name);
        if (tries > 1) std::this_thread::sleep_for(missing_rest);
    }
}

Enqueued enqueued_of(const NewJob& job, const std::string& message_id) {
    return {.id = job.id.empty() ? message_id : job.id};
}

}  // namespace

Result<std::vector<Enqueued>> enqueue_in_sqs(
    SqsStore& store, std::string_view name, std::span<const NewJob> jobs
) {
    const auto sent = send_to_queue(store, name, AfterRefusal::stop, [&](const SqsJobRules& rules) {
        return messages_of(jobs, rules, store.now());
    });
    if (!sent) return std::unexpected(sent.error());
    std::vector<Enqueued> enqueued;
    for (std::size_t i = 0; i < sent->size(); ++i) {
        if (!(*sent)[i]) return std::unexpected(describe_partial_failure(*sent));
        enqueued.push_back(enqueued_of(jobs[i], *(*sent)[i]));
    }
    return enqueued;
}

std::vector<Result<Enqueued>> enqueue_each_in_sqs(
    SqsStore& store, std::string_view name, std::span<const NewJob> jobs
) {
    std::vector<Result<Enqueued>> answers(jobs.size());
    std::vector<std::size_t> places;  // of those that can be sent
    const auto sent = send_to_queue(
        store,
        name,
        AfterRefusal::go_on,
        [&](const SqsJobRules& rules) -> Result<std::vector<SqsMessage>> {
            std::vector<SqsMessage> messages;
            places.clear();
            for (std::size_t i = 0; i < jobs.size(); ++i) {
                auto one = messages_of(jobs.subspan(i, 1), rules, store.now());
                if (!one) {
                    answers[i] = std::unexpected(one.error());
                    continue;
                }
                messages.push_back(std::move(one->front()));
                places.push_back(i);
            }
            return messages;
        }
    );
    if (!sent) {
        std::ranges::fill(answers, Result<Enqueued>(std::unexpected(sent.error())));
        return answers;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        const Result<std::string>& id = (*sent)[i];
        const NewJob& job = jobs[places[i]];
        answers[places[i]] =
            id ? Result<Enqueued>(enqueued_of(job, *id)) : std::unexpected(id.error());
    }
    return answers;
}

}  // namespace tranter::providers
