#include "broker/broker_impl.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::broker {
namespace {

using engine::Traits;
using engine::Uniqueness;

std::string deduplication_key(const Queue::State& state, const Broker::SendRequest& request) {
    const std::string_view id = request.payload.deduplication_id();
    if (!state.fifo || id.empty()) return {};
    return state.engine.deduplication_key(request.options.group, id);
}

/// Whether the send would be one message more, and not a duplicate or in the place of another.
bool adds_message(const Queue::State& state, const Broker::SendRequest& request) {
    const std::string key = deduplication_key(state, request);
    if (!key.empty() && state.engine.deduplicated_as(key) != 0) return false;
    const Traits* traits = request.options.traits;
    if (traits == nullptr || traits->unique_key.empty()) return true;
    switch (traits->uniqueness) {
        case Uniqueness::none:
            break;
        case Uniqueness::simple:
            return !state.engine.holds_unique(traits->unique_key);
        case Uniqueness::throttle:
            return state.engine.throttled_as(traits->unique_key) == 0;
        case Uniqueness::debounce:
        case Uniqueness::keep_latest:
            return !state.engine.waits_unique(traits->unique_key);
    }
    return true;
}

/// Refuses a message that would be the `would`-th of its group.
std::unexpected<Error> group_is_full(
    const Queue::State& state, std::string_view group, std::uint32_t would
) {
    return fail(
        Errc::limit_exceeded,
        "group " + std::string(group) + " would have " + std::to_string(would) +
            " queued messages, limit is " +
            std::to_string(state.settings->engine.groups.max_queued_per_group) +
            " (max_queued_per_group of queue " + state.name +
            "); try again once one of them has begun, or raise the limit"
    );
}

/// What a batch does to the queue, found out without doing it. It may count a message too many:
/// what those before it in the batch do to a message's key or id is not looked at.
class BatchCount {
  public:
    BatchCount(const Queue::State& state, Instant now) : state_(state), now_(now) {}

    std::uint64_t bytes() const { return bytes_; }
    /// `limit_exceeded` when the group has no place for it after those before.
    Result<> add(const Broker::SendRequest& request) {
        const bool adds = frees_key(request) || adds_message(state_, request);
        bytes_ += adds ? request.payload.size() : 0;
        const std::uint32_t limit = state_.settings->engine.groups.max_queued_per_group;
        const std::string_view group = request.options.group;
        if (limit == 0 || group.empty()) return {};
        const auto [place, first] = queued_.try_emplace(group, 0);
        if (first) place->second = state_.engine.queued_in_group(group);
        if (adds && place->second >= limit) return group_is_full(state_, group, place->second + 1);
        // Whose place a replacement takes may be in another group.
        if (adds || replaces(request)) ++place->second;
        return {};
    }

  private:
    /// Or one before it did: past its deadline, it is gone at once, with whose place it took.
    bool frees_key(const Broker::SendRequest& request) {
        const Traits* traits = request.options.traits;
        if (traits == nullptr || traits->unique_key.empty()) return false;
        if (freed_.contains(traits->unique_key)) return true;
        if (traits->deadline == Instant{} || traits->deadline > now_) return false;
        freed_.insert(traits->unique_key);
        return true;
    }
    static bool replaces(const Broker::SendRequest& request) {
        const Traits* traits = request.options.traits;
        return traits != nullptr && (traits->uniqueness == Uniqueness::debounce ||
                                     traits->uniqueness == Uniqueness::keep_latest);
    }

    const Queue::State& state_;
    const Instant now_;
    std::uint64_t bytes_ = 0;
    std::map<std::string_view, std::uint64_t> queued_;
    std::set<std::string_view> freed_;
};

}  // namespace

Broker::SendResult Broker::send(const QueueHandle& queue, const SendRequest& request) {
    if (auto admitted = impl_->admit(true); !admitted) {
        return {.sent = std::unexpected(admitted.error())};
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    SendResult result{.sent = engine::Sent{}};
    {
        const QueueLock lock(state);
        if (state.deleted) return {.sent = gone(state)};
        const Instant now = impl_->clock.now();
        auto fits = impl_->check_quotas(state, request.payload.size(), now);
        if (!fits && (adds_message(state, request) || !impl_->check_memory())) {
            return {.sent = std::unexpected(fits.error())};
        }
        const auto accepted = impl_->accept(state, request, now);
        if (!accepted) return {.sent = std::unexpected(accepted.error())};
        result.sent = accepted->sent;
        if (accepted->sent.duplicate) {
            result.position = impl_->journal.end();
            return result;
        }
        result.position = impl_->note_sent(state, request, *accepted, {}, now);
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

Broker::SendAllResult Broker::send_all(
    const QueueHandle& queue, std::span<const SendRequest> requests
) {
    if (auto admitted = impl_->admit(true); !admitted) {
        return {.sent = std::unexpected(admitted.error())};
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    SendAllResult result{.sent = std::vector<engine::Sent>()};
    {
        const QueueLock lock(state);
        if (state.deleted) return {.sent = gone(state)};
        const Instant now = impl_->clock.now();
        if (auto fits = impl_->check_batch(state, requests, now); !fits) {
            return {.sent = std::unexpected(fits.error())};
        }
        result.position = impl_->accept_all(state, requests, now, *result.sent);
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

Result<Broker::Impl::Accepted> Broker::Impl::accept(
    Queue::State& state, const SendRequest& request, Instant now
) const {
    auto sent = state.engine.send(request.payload, request.options, now);
    if (!sent && sent.error().code() == Errc::limit_exceeded) {
        const std::string_view group = request.options.group;
        return group_is_full(state, group, state.engine.queued_in_group(group) + 1);
    }
    if (!sent) return std::unexpected(sent.error());
    Accepted accepted{.sent = *sent};
    if (sent->replaced) {
        const std::string key = deduplication_key(state, request);
        accepted.stored = state.engine.stored(sent->slot, sent->sequence);
        accepted.deduplicates = !key.empty() && state.engine.deduplicated_as(key) == sent->sequence;
    }
    return accepted;
}

Position Broker::Impl::accept_all(
    Queue::State& state,
    std::span<const SendRequest> requests,
    Instant now,
    std::vector<engine::Sent>& sent
) {
    // All of them before the first record, so that none is written when one should be refused.
    std::vector<std::pair<const SendRequest*, Accepted>> stored;
    stored.reserve(requests.size());
    sent.reserve(requests.size());
    for (const SendRequest& request : requests) {
        auto accepted = accept(state, request, now);
        if (!accepted) throw std::logic_error("part of a batch: " + accepted.error().message());
        sent.push_back(accepted->sent);
        if (!accepted->sent.duplicate) stored.emplace_back(&request, std::move(*accepted));
    }
    if (stored.empty()) return journal.end();
    Position position = 0;
    auto left = static_cast<std::uint32_t>(stored.size());
    const bool several = left > 1;
    for (const auto& [request, accepted] : stored) {
        const record::BatchPlace place{.member = several, .left = --left};
        position = note_sent(state, *request, accepted, place, now);
    }
    return position;
}

Position Broker::Impl::note_sent(
    Queue::State& state,
    const SendRequest& request,
    const Accepted& accepted,
    const record::BatchPlace& batch,
    Instant now
) {
    const engine::Sent& sent = accepted.sent;
    Position position = 0;
    if (sent.replaced && accepted.stored) {
        position = journal.append(record::MessageReplaced{
            .queue = state.id,
            .replaced = *sent.replaced,
            .message = &*accepted.stored,
            .deduplicates = accepted.deduplicates,
            .at = now,
            .batch = batch});
    } else {
        position = journal.append(record::MessageSent{
            .queue = state.id,
            .slot = sent.slot,
            .sequence = sent.sequence,
            .payload = &request.payload,
            .group = request.options.group,
            .delay = request.options.delay,
            .at = now,
            .traits = request.options.traits,
            .batch = batch});
    }
    leave_on_disk(state, sent, position);
    return position;
}

Result<> Broker::Impl::check_batch(
    Queue::State& state, std::span<const SendRequest> requests, Instant now
) const {
    state.engine.advance(now);
    BatchCount count(state, now);
    for (const SendRequest& request : requests) {
        if (auto fits = count.add(request); !fits) return fits;
    }
    return check_quotas(state, count.bytes(), now);
}

Result<> Broker::Impl::check_quotas(Queue::State& state, std::uint64_t bytes, Instant now) const {
    if (auto fits = check_memory(); !fits) return fits;
    const std::uint64_t queue_max = state.settings->bytes_max;
    if (queue_max == 0 && options.bytes_max == 0) return {};
    const auto queue_would = [&] {
        return state.engine.bytes() + bytes;
    };
    const auto store_would = [&] {
        return totals->bytes.load(std::memory_order_relaxed) + bytes;
    };
    const auto fits = [&] {
        return (queue_max == 0 || queue_would() <= queue_max) &&
               (options.bytes_max == 0 || store_would() <= options.bytes_max);
    };
    if (fits()) return {};
    state.engine.advance(now);
    state.count_bytes();
    if (fits()) return {};
    const bool queue_full = queue_max != 0 && queue_would() > queue_max;
    return fail(
        Errc::limit_exceeded,
        "with " + std::to_string(bytes) + " bytes more " +
            (queue_full ? "queue " + state.name : std::string("the queues together")) +
            " would hold " + std::to_string(queue_full ? queue_would() : store_would()) +
            " bytes, limit is " + std::to_string(queue_full ? queue_max : options.bytes_max)
    );
}

}  // namespace tranter::broker
