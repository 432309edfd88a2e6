#include "sqs/request_counters.hpp"

#include "sqs/call.hpp"

namespace tranter::sqs {

std::vector<RequestCounters::Count> RequestCounters::list() const {
    std::vector<Count> all;
    for (std::size_t action = 0; action < counts_.size(); ++action) {
        const std::string_view name = action == unknown_action ? "unknown" : action_name(action);
        for (std::size_t result = 0; result < results; ++result) {
            const std::uint64_t count = counts_[action][result].load(std::memory_order_relaxed);
            if (result == 0 && action != unknown_action) {
                all.push_back({.action = name, .code = "OK", .count = count});
            } else if (count > 0) {
                const auto code = static_cast<Code>(result - 1);
                all.push_back({.action = name, .code = info(code).legacy, .count = count});
            }
        }
    }
    return all;
}

}  // namespace tranter::sqs
