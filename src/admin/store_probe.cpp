#include "admin/store_probe.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <utility>

namespace tranter::admin {
namespace {

// So that whoever comes back is used again soon.
constexpr Milliseconds rest_without_answer = std::chrono::seconds(1);

}  // namespace

StoreProbe::StoreProbe(Provider& provider, Milliseconds period)
    : provider_(provider), period_(period) {
    ask();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

StoreProbe::~StoreProbe() = default;

std::shared_ptr<const StoreProbe::State> StoreProbe::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

void StoreProbe::ask() {
    const auto before = std::chrono::steady_clock::now();
    auto queues = provider_.queues();
    const auto took = std::chrono::steady_clock::now() - before;
    const auto earlier = state();
    auto next = std::make_shared<State>(*earlier);
    next->answers = queues.has_value();
    if (queues) {
        next->latency = std::chrono::ceil<Milliseconds>(took);
        next->queues = std::move(*queues);
        if (!earlier->answers && !earlier->last_error.empty()) {
            log_info("serve", "the store answers again", {{"store", provider_.name()}});
        }
    } else {
        next->last_error = queues.error().message();
        next->last_error_at =
            std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
        if (earlier->answers || earlier->last_error.empty()) {
            log_error(
                "serve",
                "the store does not answer",
                {{"store", provider_.name()}, {"error", next->last_error}}
            );
        }
    }
    const std::lock_guard lock(mutex_);
    state_ = std::move(next);
}

void StoreProbe::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        const Milliseconds rest =
            state()->answers ? period_ : std::min(period_, rest_without_answer);
        stopped.wait_for(lock, stop, rest, [] { return false; });
        if (!stop.stop_requested()) ask();
    }
}

}  // namespace tranter::admin
