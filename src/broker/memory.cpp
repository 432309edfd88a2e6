#include "base/log.hpp"
#include "broker/broker_impl.hpp"

namespace tranter::broker {

Result<> Broker::Impl::check_memory() const {
    const std::uint64_t limit = options.memory_limit;
    const std::uint64_t memory = totals->memory.load(std::memory_order_relaxed);
    if (limit == 0 || memory < limit) return {};
    return fail(
        Errc::limit_exceeded,
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
    std::erase_if(deliveries, [&](engine::Delivery& delivery) {
        while (!delivery.payload.has_bytes()) {
            const Position place = delivery.payload.place();
            if (auto payload = journal.load(place)) {
                delivery.payload = std::move(payload);
                return false;
            }
            // Compaction may have moved it meanwhile; or somebody deleted it.
            const std::lock_guard lock(state.mutex);
            const auto& receipt = delivery.receipt;
            const auto now_is = state.engine.find_payload(receipt.slot, receipt.sequence);
            if (!now_is || (!now_is->has_bytes() && now_is->place() == place)) return true;
            delivery.payload = *now_is;
        }
        return false;
    });
}

bool Broker::Impl::bring_back(engine::Payload& payload) const {
    if (payload.has_bytes()) return true;
    auto loaded = journal.load(payload.place());
    if (!loaded) {
        log_error(
            "store",
            "a message that was to move to another queue stays in the log",
            {{"position", payload.place()}}
        );
        return false;
    }
    payload = std::move(loaded);
    return true;
}

engine::Payload Broker::with_bytes(const engine::Payload& payload) const {
    return payload.has_bytes() ? payload : impl_->journal.load(payload.place());
}

}  // namespace tranter::broker
