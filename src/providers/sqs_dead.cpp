#include "providers/sqs_dead.hpp"

#include "base/log.hpp"
#include "providers/sqs_batch.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_send.hpp"

#include <algorithm>
#include <utility>

namespace tranter::providers {

namespace {

/// Whether trying again would give the same.
bool is_for_good(const Error& error) {
    switch (error.code()) {
        case Errc::unsupported:
        case Errc::invalid_argument:
        case Errc::permission_denied:
        case Errc::not_found:
            return true;
        default:
            return false;
    }
}

void hide(SqsStore& store, const SqsQueue& queue, std::span<const SqsBurial* const> burials) {
    std::vector<aws::Json> entries;
    for (const SqsBurial* burial : burials) {
        const auto most = hidden_at_most(burial->received_at, store.clock.now());
        entries.push_back(sqs_visibility_entry(burial->held->delivery.handle, most));
    }
    // What is not hidden comes again when its lease ends.
    [[maybe_unused]] const auto hidden = call_sqs_batches(
        *store.endpoint, {.action = "ChangeMessageVisibilityBatch", .queue_url = queue.url}, entries
    );
}

void keep_hidden(
    SqsStore& store,
    const SqsQueue& queue,
    std::span<const SqsBurial> burials,
    std::span<SqsBuried> results
) {
    std::vector<const SqsBurial*> stuck;
    for (std::size_t i = 0; i < burials.size(); ++i) {
        if (results[i].done || results[i].copied || !is_for_good(results[i].done.error())) {
            continue;
        }
        results[i].for_good = true;
        stuck.push_back(&burials[i]);
        log_error(
            "sqs",
            "a dead job could not be moved, it stays in its queue and is hidden as long as SQS "
            "allows",
            {{"queue", queue.name},
             {"job_id", burials[i].held->job.id},
             {"reason", burials[i].failure.text},
             {"error", results[i].done.error().message()}}
        );
    }
    if (!stuck.empty()) hide(store, queue, stuck);
}

}  // namespace

std::chrono::seconds hidden_at_most(Instant received_at, Instant now) {
    // A second for the way.
    const auto left = sqs_visibility_max - (now - received_at) - std::chrono::seconds(1);
    return std::max(std::chrono::floor<std::chrono::seconds>(left), std::chrono::seconds::zero());
}

aws::Json sqs_visibility_entry(const std::string& handle, std::chrono::seconds visibility) {
    aws::Json entry;
    entry.set("ReceiptHandle", handle).set("VisibilityTimeout", visibility.count());
    return entry;
}

std::vector<SqsBuried> bury_sqs_jobs(
    SqsStore& store, const SqsQueue& queue, std::span<const SqsBurial> burials
) {
    std::vector<SqsBuried> results(burials.size());
    if (burials.empty()) return results;
    const auto dead_letters = store.queues.get_dead_letter_queue(queue);
    if (!dead_letters) {
        for (SqsBuried& result : results) {
            result.done = std::unexpected(dead_letters.error());
        }
        keep_hidden(store, queue, burials, results);
        return results;
    }
    const SqsQueue& to = **dead_letters;
    std::vector<SqsReplacement> replacements;
    for (const SqsBurial& burial : burials) {
        const auto& [delivery, job, max_receives] = *burial.held;
        SqsMessage copy = dead_copy_of(delivery, job, burial.failure, to.message_bytes_max);
        if (to.fifo) copy.deduplication_id = delivery.message_id;
        replacements.push_back({.handle = delivery.handle, .copy = std::move(copy)});
    }
    auto replaced = replace_sqs_messages(*store.endpoint, queue, to, replacements);
    for (std::size_t i = 0; i < burials.size(); ++i) {
        results[i].done = std::move(replaced[i].done);
        results[i].copied = replaced[i].copied;
        if (results[i].done) store.counters.add(queue.name, &SqsCounters::Counts::dead);
    }
    keep_hidden(store, queue, burials, results);
    return results;
}

}  // namespace tranter::providers
