#include "supervise/measuring.hpp"

#include <algorithm>

namespace tranter::supervise {

void Meter::look() {
    ResourceUse use = use_of(descendants_of(keeper_));
    // The time of those that have ended went to whoever has waited for them, at last the keeper.
    use.cpu_micros += use_of({keeper_}).cpu_micros;
    use.cpu_micros = std::max(use.cpu_micros, use_.cpu_micros);
    use_ = use;
}

void Meter::measure(Instant now) {
    look();
    const Duration passed = now - at_;
    if (passed <= Duration{}) return;
    const auto micros = static_cast<double>(use_.cpu_micros - cpu_micros_at_);
    cpu_share_ = micros / static_cast<double>(passed.count());
    cpu_micros_at_ = use_.cpu_micros;
    at_ = now;
}

std::uint64_t Meter::memory_without_sharing() const {
    return supervise::memory_without_sharing(descendants_of(keeper_));
}

}  // namespace tranter::supervise
