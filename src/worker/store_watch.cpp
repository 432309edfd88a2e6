#include "worker/store_watch.hpp"

#include "base/duration.hpp"
#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"

#include <fmt/format.h>

namespace tranter::worker {

namespace {

std::string_view store_call_name(StoreCall call) {
    switch (call) {
        case StoreCall::receive:
            return "receive";
        case StoreCall::extend:
            return "extend";
        case StoreCall::settle:
            break;
    }
    return "settle";
}

}  // namespace

bool is_temporary(const Error& error) {
    switch (error.code()) {
        case Errc::not_found:
        case Errc::invalid_argument:
        case Errc::already_exists:
        case Errc::conflict:
        case Errc::limit_exceeded:
        case Errc::unsupported:
            return false;
        default:
            return true;
    }
}

void StoreWatch::Streak::add(Moment now) {
    if (!counts(now)) first = now;
    last = now;
}

// Both write their line under the mutex: else the one that came first could stand behind the other.

void StoreWatch::failed(StoreCall call, std::string_view queue, const Error& error, Moment now) {
    if (observers_ != nullptr) observers_->store_failed(store_call_name(call), error);
    const std::lock_guard lock(mutex_);
    last_error_ = one_line(without_secrets(error.message()));
    last_error_at_ = wall_clock();
    const auto [entry, is_new] = unanswered_.try_emplace(Key(call, queue));
    if (is_temporary(error)) entry->second.add(now);
    if (!is_new) return;
    unanswered_count_ = unanswered_.size();
    log_warn(
        "worker",
        "the store does not answer, the worker will go on trying",
        {{"call", store_call_name(call)}, {"queue", queue}, {"error", error.message()}}
    );
}

void StoreWatch::say_it_answers(StoreCall call, std::string_view queue) {
    const std::lock_guard lock(mutex_);
    if (call == StoreCall::settle) {
        // What is settled need not be renewed. Whoever still has to will say so.
        const auto renewals = unanswered_.find(Key(StoreCall::extend, queue));
        if (renewals != unanswered_.end()) renewals->second = {};
    }
    if (unanswered_.erase(Key(call, queue)) == 0) return;
    unanswered_count_ = unanswered_.size();
    log_info(
        "worker", "the store answers again", {{"call", store_call_name(call)}, {"queue", queue}}
    );
}

std::optional<StoreWatch::Failing> StoreWatch::longest_failing(Moment now) const {
    const Key* longest = nullptr;
    Streak worst;
    for (const auto& [key, streak] : unanswered_) {
        if (key.first == StoreCall::receive || !streak.counts(now)) continue;
        if (longest != nullptr && streak.time() <= worst.time()) continue;
        longest = &key;
        worst = streak;
    }
    if (longest == nullptr) return std::nullopt;
    return Failing{
        .call = longest->first,
        .queue = longest->second,
        .time = std::chrono::ceil<Milliseconds>(now - worst.first),
        // To the last failure: after a single one nothing may have had to be tried again.
        .lasts = worst.time() >= patience_};
}

StoreWatch::State StoreWatch::state(Moment now) const {
    State state;
    const TimePoint answered_at = answered_at_.load(std::memory_order_relaxed);
    if (answered_at != TimePoint()) state.answered_at = answered_at;
    const Milliseconds latency = latency_.load(std::memory_order_relaxed);
    if (latency != unknown_latency) state.latency = latency;
    const std::lock_guard lock(mutex_);
    state.last_error = last_error_;
    state.last_error_at = last_error_at_;
    state.failing = longest_failing(now);
    return state;
}

std::string sentence_of(const StoreWatch::Failing& failing) {
    return fmt::format(
        "{} of queue {} have not been {} for {}",
        failing.call == StoreCall::settle ? "outcomes" : "leases",
        one_line(failing.queue),
        failing.call == StoreCall::settle ? "stored" : "renewed",
        format_duration(std::chrono::ceil<std::chrono::seconds>(failing.time))
    );
}

}  // namespace tranter::worker
