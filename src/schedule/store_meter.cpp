#include "schedule/store_meter.hpp"

#include "base/log_text.hpp"
#include "base/secrets.hpp"

namespace tranter::schedule {

StoreMeter::State StoreMeter::state() const {
    const std::lock_guard lock(mutex_);
    State state = state_;
    state.calls = durations_.read();
    return state;
}

bool StoreMeter::is_answer(Errc code) {
    return code == Errc::not_found || code == Errc::already_exists || code == Errc::conflict ||
           code == Errc::invalid_argument;
}

void StoreMeter::answered(std::chrono::steady_clock::duration took) {
    const std::lock_guard lock(mutex_);
    state_.answers = true;
    state_.latency = std::chrono::ceil<Milliseconds>(took);
}

void StoreMeter::failed(const Error& error) {
    const std::lock_guard lock(mutex_);
    ++state_.errors;
    state_.answers = false;
    state_.last_error = one_line(without_secrets(error.message()));
    state_.last_error_at =
        std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

}  // namespace tranter::schedule
