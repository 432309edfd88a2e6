#include "broker/broker_impl.hpp"
#include "log/format.hpp"

#include <set>
#include <string>

namespace tranter::broker {

Result<> Broker::Impl::check_memory() const {
    const std::uint64_t limit = options.memory_limit;
    const std::uint64_t memory = totals->memory.load(std::memory_order_relaxed);
    if (limit == 0 || memory < limit) return {};
    // And not limit_exceeded: whoever tries again will succeed once consumers have caught up.
    return fail(
        Errc::unavailable,
        "the queues take about " + std::to_string(memory) + " bytes of memory, limit is " +
            std::to_string(limit)
    );
}

void Broker::Impl::leave_on_disk(
    Queue::State& state, const engine::Sent& message, Position record
) {
    const std::uint64_t limit = options.memory_limit;
    if (limit == 0 || totals->memory.load(std::memory_order_relaxed) < limit / 4 * 3) return;
    // Who waits in line gets it at once.
    if (!journal.keeps_payloads() || !state.waiters.empty()) return;
    state.engine.move_bytes(message.slot, message.sequence, record);
}

void Broker::Impl::bring_back(Queue::State& state, std::vector<engine::Delivery>& deliveries)
    const {
    std::set<std::string> blocked;  // FIFO groups of which one message is left out
    std::erase_if(deliveries, [&](engine::Delivery& delivery) {
        if (blocked.contains(delivery.group)) return true;
        if (bring_back(state, delivery)) return false;
        if (state.fifo) blocked.insert(delivery.group);
        return true;
    });
}

bool Broker::Impl::bring_back(Queue::State& state, engine::Delivery& delivery) const {
    while (!delivery.payload.has_bytes()) {
        const Position place = delivery.payload.place();
        if (auto payload = journal.load(place)) {
            delivery.payload = std::move(payload);
            return true;
        }
        // Compaction may have moved it meanwhile; or somebody deleted it.
        const std::lock_guard lock(state.mutex);
        const auto& receipt = delivery.receipt;
        const auto now_is = state.engine.find_payload(receipt.slot, receipt.sequence);
        if (!now_is || (!now_is->has_bytes() && now_is->place() == place)) return false;
        delivery.payload = *now_is;
    }
    return true;
}

bool Broker::Impl::bring_back(engine::Payload& payload) const {
    if (payload.has_bytes()) return true;
    auto loaded = journal.load(payload.place());
    if (!loaded) {
        journal.fail(
            "a message on its way to another queue cannot be read from the log at " +
            log::segment_name(log::segment_of(payload.place())) + ", offset " +
            std::to_string(log::offset_of(payload.place()))
        );
        return false;
    }
    payload = std::move(loaded);
    return true;
}

Transfers::Token Broker::Impl::hold_record(const engine::Payload& payload) {
    return payload.has_bytes() ? Transfers::Token() : transfers.begin();
}

void Broker::Impl::try_bring_back(engine::Payload& payload) const {
    if (payload.has_bytes()) return;
    if (auto loaded = journal.load(payload.place())) payload = std::move(loaded);
}

engine::Payload Broker::with_bytes(const engine::Payload& payload) const {
    return payload.has_bytes() ? payload : impl_->journal.load(payload.place());
}

}  // namespace tranter::broker
