#include "broker/broker_impl.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {
namespace {

/// The engine's rules for settle(), for somebody who only looks.
Result<engine::MessageView> look(const Queue::State& state, const engine::Receipt& receipt) {
    auto stored = state.engine.stored(receipt.slot, receipt.sequence);
    if (!stored) return fail(Errc::not_found, "the message of this receipt is gone");
    const engine::DeliveryState& delivery = stored->delivery;
    const bool current = delivery.state == engine::DeliveryState::State::in_flight &&
                         delivery.deliveries == receipt.delivery && !delivery.taken_back;
    if (!current) return fail(Errc::conflict, "this delivery is over");
    return engine::MessageView{
        .payload = std::move(stored->payload),
        .group = std::move(stored->group),
        .slot = stored->slot,
        .sequence = stored->sequence,
        .sent_at = stored->sent_at,
        .receive_count = delivery.receive_count,
        .state = engine::MessageView::State::in_flight,
        .due = delivery.due,
        .source_queue = stored->source_queue,
        .received_at = delivery.received_at,
        .priority = stored->traits.priority,
        .max_receives = stored->traits.max_receives,
        .deadline = stored->traits.deadline,
        .cancel_requested = delivery.cancel_requested,
        .note = std::move(stored->note)};
}

}  // namespace

std::vector<Result<engine::MessageView>> Broker::held(
    const QueueHandle& queue, std::span<const engine::Receipt> receipts
) const {
    Queue::State& state = queue->state();
    std::vector<Result<engine::MessageView>> views;
    views.reserve(receipts.size());
    const QueueLock lock(state);
    if (state.deleted) {
        views.assign(receipts.size(), gone(state));
        return views;
    }
    state.engine.advance(impl_->clock.now());
    for (const engine::Receipt& receipt : receipts)
        views.push_back(look(state, receipt));
    return views;
}

std::optional<Instant> Broker::next_change() {
    std::optional<Instant> next;
    for (const QueueHandle& queue : list_queues({}, {}, std::string::npos)) {
        Queue::State& state = queue->state();
        const std::lock_guard lock(state.mutex);
        const auto when = state.engine.next_event();
        if (!when || state.deleted) continue;
        impl_->events.schedule(queue, *when);
        next = next ? std::min(*next, *when) : *when;
    }
    return next;
}

}  // namespace tranter::broker
