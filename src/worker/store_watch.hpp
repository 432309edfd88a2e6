#pragma once

#include "worker/observers.hpp"

#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::worker {

/// What a worker asks of its store all the time.
enum class StoreCall : std::uint8_t { receive, extend, settle };

/// Whether the same call may succeed a moment later.
bool is_temporary(const Error& error);

/// Why a call with an answer for each of `count`, or a part of it, is to be tried again.
template <class Answer>
std::optional<Error> temporary_of(const Result<std::vector<Answer>>& answers, std::size_t count) {
    if (!answers) {
        return is_temporary(answers.error()) ? std::optional(answers.error()) : std::nullopt;
    }
    if (answers->size() != count) return Error(Errc::internal, "the store did not answer for all");
    const auto found = std::ranges::find_if(*answers, [](const Answer& answer) {
        return !answer && is_temporary(answer.error());
    });
    return found == answers->end() ? std::nullopt : std::optional(found->error());
}

/// Says once of each call for a queue that the store does not answer it, and once that it does
/// again: one that is full still answers who only looks, or finds nothing. Thread-safe.
class StoreWatch {
  public:
    using Clock = std::chrono::steady_clock;
    using Moment = Clock::time_point;

    /// What fails for half a lease is no passing trouble: by then leases end, which are renewed
    /// after a third. With long leases outcomes are late instead.
    static Milliseconds patience_with(Milliseconds lease) {
        return std::min<Milliseconds>(lease / 2, std::chrono::minutes(1));
    }
    /// Longer than from one try to the next, even when the store says nothing for a minute: what
    /// has not failed for this long is not tried any more, and nobody knows.
    static constexpr std::chrono::minutes forgotten_after{2};

    /// Observers are null, or outlive it, and are told of failures.
    explicit StoreWatch(
        Milliseconds lease = std::chrono::seconds(30), const Observers* observers = nullptr
    )
        : patience_(patience_with(lease)), observers_(observers) {}

    void failed(
        StoreCall call, std::string_view queue, const Error& error, Moment now = Clock::now()
    );
    void answered(StoreCall call, std::string_view queue) {
        answered_at_.store(wall_clock(), std::memory_order_relaxed);
        if (unanswered_count_.load(std::memory_order_relaxed) > 0) say_it_answers(call, queue);
    }
    /// A call that had nothing to wait for.
    void answered_in(StoreCall call, std::string_view queue, Clock::duration time) {
        latency_.store(std::chrono::ceil<Milliseconds>(time), std::memory_order_relaxed);
        answered(call, queue);
    }

    /// Of what is told to the store, for a queue.
    struct Failing {
        StoreCall call = StoreCall::settle;
        std::string queue{};
        Milliseconds time{};  // since the first failure after which none succeeded
        bool lasts = false;   // our patience has ended
    };
    struct State {
        std::optional<TimePoint> answered_at{};
        std::optional<Milliseconds> latency{};
        std::string last_error{};
        std::optional<TimePoint> last_error_at{};
        /// Of outcomes and renewals that fail with what may pass, that which has for the longest.
        /// Receives are not among them: who receives knows whether that works.
        std::optional<Failing> failing{};
    };
    State state(Moment now = Clock::now()) const;

  private:
    /// Failures without a success between, of those that may pass: what is refused for good, as a
    /// value or a queue that somebody deleted, says nothing of the next one.
    struct Streak {
        Moment first{};
        Moment last{};  // {}: none

        void add(Moment now);
        Clock::duration time() const { return last - first; }
        bool counts(Moment now) const { return last != Moment() && now - last < forgotten_after; }
    };
    using Key = std::pair<StoreCall, std::string>;

    static TimePoint wall_clock() {
        return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    }
    void say_it_answers(StoreCall call, std::string_view queue);
    std::optional<Failing> longest_failing(Moment now) const;

    static constexpr Milliseconds unknown_latency{-1};

    const Milliseconds patience_;
    const Observers* const observers_;
    std::atomic<std::size_t> unanswered_count_ = 0;
    std::atomic<TimePoint> answered_at_{};  // {}: never
    std::atomic<Milliseconds> latency_{unknown_latency};
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::map<Key, Streak> unanswered_;
    std::string last_error_;
    std::optional<TimePoint> last_error_at_;
};

/// For people: "outcomes of queue mail have not been stored for 12s".
std::string sentence_of(const StoreWatch::Failing& failing);

}  // namespace tranter::worker
