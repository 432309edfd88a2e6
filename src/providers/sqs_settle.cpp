#include "providers/sqs_settle.hpp"

#include "base/unicode.hpp"
#include "providers/sqs_batch.hpp"
#include "providers/sqs_dead.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_send.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

namespace tranter::providers {

namespace {

using Counts = SqsCounters::Counts;
using Claim = SqsLeases::Claim;

/// SQS has as many words for a delivery that is over as it has actions.
Error explain_receipt(const Error& error) {
    constexpr auto over = std::to_array<std::string_view>(
        {"ReceiptHandleIsInvalid",
         "MessageNotInflight",
         "not available for visibility timeout change",
         "receipt handle has expired"}
    );
    const bool is_over = std::ranges::any_of(over, [&](std::string_view text) {
        return error.message().contains(text);
    });
    return is_over ? Error(Errc::conflict, error.message()) : error;
}

/// What no store would take, though SQS keeps no results.
std::optional<std::string> problem_of_outcome(const AttemptOutcome& outcome) {
    if (const auto* completed = std::get_if<Completed>(&outcome)) {
        const std::string& result = completed->result;
        if (result.size() > result_bytes_max) {
            return fmt::format("result is {} bytes, limit is {}", result.size(), result_bytes_max);
        }
        if (!result.empty() && !is_json_text(result)) {
            return fmt::format("result is {}, expected JSON", in_quotes(result));
        }
    }
    std::optional<Milliseconds> rest;
    if (const auto* failed = std::get_if<Failed>(&outcome)) rest = failed->retry_after;
    if (const auto* snoozed = std::get_if<Snoozed>(&outcome)) rest = snoozed->after;
    if (!rest || *rest >= Milliseconds::zero()) return std::nullopt;
    return fmt::format("the job should rest for {}ms, expected no less than 0", rest->count());
}

/// Settles the receipts of one call, by what has to be done with them.
class SqsSettling {
  public:
    SqsSettling(SqsStore& store, const SqsQueue& queue, std::span<const Settlement> settlements)
        : store_(store), queue_(queue), settlements_(settlements) {}

    std::vector<Result<>> run() {
        const Error unsettled(Errc::internal, "the delivery was not settled");
        results_.assign(settlements_.size(), std::unexpected(unsettled));
        for (std::size_t i = 0; i < settlements_.size(); ++i) {
            if (auto problem = problem_of_outcome(settlements_[i].outcome)) {
                results_[i] = fail(Errc::invalid_argument, std::move(*problem));
                continue;
            }
            auto claim =
                store_.leases.claim(queue_.name, settlements_[i].receipt, store_.clock.now());
            if (!claim) {
                results_[i] = std::unexpected(claim.error());
                continue;
            }
            sort_in({.index = i, .claim = std::move(*claim)}, settlements_[i].outcome);
        }
        remove();
        show_again();
        replace();
        bury();
        return std::move(results_);
    }

  private:
    struct Item {
        std::size_t index = 0;  // in settlements_
        Claim claim{};
        std::uint64_t Counts::*count = nullptr;
        bool forgiven = false;  // was no attempt
        std::chrono::seconds visibility{};
        AttemptFailure failure{};
    };

    void sort_in(Item item, const AttemptOutcome& outcome) {
        if (item.claim.copied) {
            removed_.push_back(std::move(item));
        } else if (const auto* failed = std::get_if<Failed>(&outcome)) {
            fail_attempt(std::move(item), *failed);
        } else if (const auto* dead = std::get_if<Dead>(&outcome)) {
            die(std::move(item), dead->type, dead->reason);
        } else if (std::holds_alternative<Released>(outcome)) {
            put_back(std::move(item), Milliseconds::zero());
        } else if (const auto* snoozed = std::get_if<Snoozed>(&outcome)) {
            put_back(std::move(item), snoozed->after);
        } else {
            const bool completed = std::holds_alternative<Completed>(outcome);
            item.count = completed ? &Counts::completed : &Counts::cancelled;
            removed_.push_back(std::move(item));
        }
    }

    std::chrono::seconds visibility_of(const Item& item, Milliseconds delay) const {
        const auto most = hidden_at_most(item.claim.receipt.received_at, store_.clock.now());
        return std::clamp(whole_seconds(delay), std::chrono::seconds::zero(), most);
    }

    void fail_attempt(Item item, const Failed& failed) {
        const auto rest = item.claim.receipt.retry_after;
        if (!rest) {
            die(std::move(item), failed.type, failed.text);
            return;
        }
        item.count = &Counts::failed;
        item.visibility = visibility_of(item, failed.retry_after.value_or(*rest));
        shown_.push_back(std::move(item));
    }

    void die(Item item, std::string_view type, std::string_view text) {
        const bool last = !item.claim.receipt.retry_after.has_value();
        if (item.claim.held) {
            item.failure = {
                .attempt = item.claim.receipt.attempt,
                .at = store_.now(),
                .type = std::string(type),
                .text = std::string(text)};
            buried_.push_back(std::move(item));
        } else if (last) {
            // Whoever receives it next finds that it has no attempts left.
            shown_.push_back(std::move(item));
        } else {
            results_[item.index] = fail(
                Errc::unsupported,
                fmt::format(
                    "message {} was received by another process, and only that one can move it to "
                    "the dead-letter queue",
                    item.claim.receipt.message_id
                )
            );
        }
    }

    void put_back(Item item, Milliseconds after) {
        item.forgiven = true;
        item.visibility = visibility_of(item, after);
        if (needs_copy(item)) {
            replaced_.push_back(std::move(item));
        } else {
            shown_.push_back(std::move(item));
        }
    }

    /// The next delivery would be one too many, for SQS or for whoever does not know of those that
    /// did not count.
    bool needs_copy(const Item& item) const {
        if (!item.claim.held || queue_.fifo || item.visibility > sqs_delay_max) return false;
        const auto& [delivery, job, max_receives] = *item.claim.held;
        const std::uint32_t attempts = attempts_before(delivery.message) + delivery.receive_count;
        const bool is_last = (max_receives != 0 && delivery.receive_count >= max_receives) ||
                             attempts >= job.options.retry.max_attempts;
        return is_last && copy_for(item).fits(queue_.group_ids, queue_.message_bytes_max);
    }

    SqsMessage copy_for(const Item& item) const {
        const auto& [delivery, job, max_receives] = *item.claim.held;
        SqsMessage copy = copy_of(delivery, job);
        copy.delay = item.visibility;
        if (job.attempt > 1) {
            copy.set_text(sqs_attribute::attempts, fmt::to_string(job.attempt - 1));
        }
        leave_out_trace(copy, queue_.group_ids, queue_.message_bytes_max);
        return copy;
    }

    void finish(const Item& item, Result<> done, bool copied = false) {
        if (done) {
            if (item.count != nullptr) store_.counters.add(queue_.name, item.count);
            if (item.forgiven) store_.leases.forgive(item.claim.receipt.message_id);
            store_.leases.end(item.claim);
        } else {
            done = std::unexpected(explain_receipt(done.error()));
            if (done.error().code() == Errc::conflict) {
                store_.leases.end(item.claim);
            } else {
                store_.leases.give_back(item.claim, copied);
            }
        }
        results_[item.index] = std::move(done);
    }

    void remove() {
        std::vector<std::string> handles;
        for (const Item& item : removed_) {
            handles.push_back(item.claim.receipt.handle);
        }
        auto deleted = delete_sqs_messages(*store_.endpoint, queue_, handles);
        for (std::size_t i = 0; i < removed_.size(); ++i) {
            finish(removed_[i], std::move(deleted[i]));
        }
    }

    void show_again() {
        std::vector<aws::Json> entries;
        for (const Item& item : shown_) {
            entries.push_back(sqs_visibility_entry(item.claim.receipt.handle, item.visibility));
        }
        const SqsBatch batch{.action = "ChangeMessageVisibilityBatch", .queue_url = queue_.url};
        const auto answers = call_sqs_batches(*store_.endpoint, batch, entries);
        for (std::size_t i = 0; i < shown_.size(); ++i) {
            const SqsEntryResult& answer = answers[i];
            finish(shown_[i], answer ? Result<>() : std::unexpected(answer.error()));
        }
    }

    void replace() {
        std::vector<SqsReplacement> replacements;
        for (const Item& item : replaced_) {
            replacements.push_back({.handle = item.claim.receipt.handle, .copy = copy_for(item)});
        }
        auto done = replace_sqs_messages(*store_.endpoint, queue_, queue_, replacements);
        for (std::size_t i = 0; i < replaced_.size(); ++i) {
            finish(replaced_[i], std::move(done[i].done), done[i].copied);
        }
    }

    void bury() {
        std::vector<SqsBurial> burials;
        for (const Item& item : buried_) {
            burials.push_back(
                {.held = item.claim.held,
                 .received_at = item.claim.receipt.received_at,
                 .failure = item.failure}
            );
        }
        auto done = bury_sqs_jobs(store_, queue_, burials);
        for (std::size_t i = 0; i < buried_.size(); ++i) {
            if (done[i].for_good) store_.leases.end(buried_[i].claim);
            finish(buried_[i], std::move(done[i].done), done[i].copied);
        }
    }

    SqsStore& store_;
    const SqsQueue& queue_;
    std::span<const Settlement> settlements_;
    std::vector<Result<>> results_{};
    std::vector<Item> removed_{};
    std::vector<Item> shown_{};
    std::vector<Item> replaced_{};
    std::vector<Item> buried_{};
};

/// How long a delivery may be extended by; an error once that is nothing.
Result<std::chrono::seconds> extension_of(const Claim& claim, Milliseconds lease, Instant now) {
    const auto most = hidden_at_most(claim.receipt.received_at, now);
    if (most > std::chrono::seconds::zero()) return std::min(whole_seconds(lease), most);
    return fail(
        Errc::limit_exceeded,
        fmt::format(
            "message {} was received 12 hours ago, and SQS lets no delivery last longer",
            claim.receipt.message_id
        )
    );
}

}  // namespace

Result<std::vector<Result<>>> settle_in_sqs(
    SqsStore& store, std::string_view queue, std::span<const Settlement> settlements
) {
    const auto found = store.queues.get(queue);
    if (!found) return std::unexpected(found.error());
    return SqsSettling(store, **found, settlements).run();
}

Result<std::vector<Result<Extended>>> extend_in_sqs(
    SqsStore& store,
    std::string_view queue,
    std::span<const std::string> receipts,
    Milliseconds lease
) {
    const auto found = store.queues.get(queue);
    if (!found) return std::unexpected(found.error());
    struct Item {
        std::size_t index = 0;
        Claim claim{};
        std::chrono::seconds visibility{};
    };
    std::vector<Result<Extended>> results(receipts.size());
    std::vector<Item> items;
    std::vector<aws::Json> entries;
    const Instant now = store.clock.now();
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        auto claim = store.leases.look_at(queue, receipts[i], now);
        const auto visibility =
            claim ? extension_of(*claim, lease, now) : std::unexpected(claim.error());
        if (!visibility) {
            results[i] = std::unexpected(visibility.error());
            continue;
        }
        entries.push_back(sqs_visibility_entry(claim->receipt.handle, *visibility));
        items.push_back({.index = i, .claim = std::move(*claim), .visibility = *visibility});
    }
    const auto answers = call_sqs_batches(
        *store.endpoint,
        {.action = "ChangeMessageVisibilityBatch", .queue_url = (*found)->url},
        entries
    );
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& [index, claim, visibility] = items[i];
        if (!answers[i]) {
            results[index] = std::unexpected(explain_receipt(answers[i].error()));
            continue;
        }
        const Instant until = now + visibility;
        store.leases.extend(claim, until);
        results[index] = Extended{.lease_until = TimePoint(until.time_since_epoch())};
    }
    return results;
}

}  // namespace tranter::providers
