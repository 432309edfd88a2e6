#include "sqs/request_counters.hpp"

#include "sqs/call.hpp"

#include <algorithm>
#include <utility>

namespace tranter::sqs {
namespace {

std::string_view name_of(std::size_t action) {
    return action == RequestCounters::unknown_action ? "unknown" : action_name(action);
}

}  // namespace

std::vector<RequestCounters::Count> RequestCounters::list() const {
    std::vector<Count> all;
    for (std::size_t action = 0; action < counts_.size(); ++action) {
        const std::string_view name = name_of(action);
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

void RequestCounters::ActionDurations::add(Clock::duration time) {
    const double seconds = std::chrono::duration<double>(time).count();
    const auto bound = std::ranges::lower_bound(duration_bounds, seconds);
    const auto bucket = static_cast<std::size_t>(bound - duration_bounds.begin());
    counts[bucket].fetch_add(1, std::memory_order_relaxed);
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(time);
    micros.fetch_add(whole.count(), std::memory_order_relaxed);
}

std::vector<RequestCounters::Durations> RequestCounters::durations() const {
    std::vector<Durations> all;
    for (std::size_t action = 0; action < durations_.size(); ++action) {
        const ActionDurations& measured = durations_[action];
        Durations one{.action = name_of(action)};
        std::uint64_t total = 0;
        for (const auto& count : measured.counts) {
            one.counts.push_back(count.load(std::memory_order_relaxed));
            total += one.counts.back();
        }
        if (total == 0) continue;
        one.sum = static_cast<double>(measured.micros.load(std::memory_order_relaxed)) / 1e6;
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace tranter::sqs
