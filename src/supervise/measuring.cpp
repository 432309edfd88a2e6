#include "supervise/measuring.hpp"

#include <algorithm>

namespace tranter::supervise {

void Meter::measure(Instant now) {
    ResourceUse use = use_of(descendants_of(keeper_));
    // The time of those that have ended went to whoever has waited for them, at last the keeper.
    use.cpu_micros += use_of({keeper_}).cpu_micros;
    use.cpu_micros = std::max(use.cpu_micros, use_.cpu_micros);
    const Duration passed = now - at_;
    if (passed > Duration{}) {
        const auto micros = static_cast<double>(use.cpu_micros - use_.cpu_micros);
        cpu_share_ = micros / static_cast<double>(passed.count());
        at_ = now;
    }
    use_ = use;
}

}  // namespace tranter::supervise
