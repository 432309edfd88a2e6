#include "admin/store_probe.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "base/stop.hpp"

#include <algorithm>
#include <utility>

namespace tranter::admin {
namespace {

// So that whoever comes back is used again soon.
constexpr Milliseconds rest_without_answer = std::chrono::seconds(1);
constexpr std::chrono::seconds silence_max(10);

TimePoint wall_time() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

}  // namespace

StoreProbe::StoreProbe(Provider& provider, Milliseconds period)
    : provider_(provider), period_(period) {
    ask();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

StoreProbe::~StoreProbe() = default;

std::shared_ptr<const StoreProbe::State> StoreProbe::state() const {
    const std::lock_guard lock(mutex_);
    if (!state_->answers || !asked_at_ || Clock::now() - *asked_at_ < silence_max) return state_;
    auto silent = std::make_shared<State>(*state_);
    silent->answers = false;
    silent->last_error = "no answer for more than ten seconds";
    silent->last_error_at = wall_time();
    return silent;
}

void StoreProbe::ask() {
    const auto before = Clock::now();
    {
        const std::lock_guard lock(mutex_);
        asked_at_ = before;
    }
    const auto queues = provider_.queues();
    const auto took = Clock::now() - before;
    const auto next = answer_of(queues);
    if (next->answers) next->latency = std::chrono::ceil<Milliseconds>(took);
    const std::lock_guard lock(mutex_);
    asked_at_.reset();
    state_ = next;
}

/// Says in the log when that is another one than before.
std::shared_ptr<StoreProbe::State> StoreProbe::answer_of(
    const Result<std::vector<QueueStats>>& queues
) const {
    std::shared_ptr<const State> earlier;
    {
        const std::lock_guard lock(mutex_);
        earlier = state_;
    }
    auto next = std::make_shared<State>(*earlier);
    next->answers = queues.has_value();
    if (queues) {
        next->queues = *queues;
        if (!earlier->answers && !earlier->last_error.empty()) {
            log_info("serve", "the store answers again", {{"store", provider_.name()}});
        }
        return next;
    }
    next->last_error = one_line(without_secrets(queues.error().message()));
    next->last_error_at = wall_time();
    if (earlier->answers || earlier->last_error.empty()) {
        log_error(
            "serve",
            "the store does not answer",
            {{"store", provider_.name()}, {"error", next->last_error}}
        );
    }
    return next;
}

void StoreProbe::run(const std::stop_token& stop) {
    while (rest(state()->answers ? period_ : std::min(period_, rest_without_answer), stop))
        ask();
}

}  // namespace tranter::admin
