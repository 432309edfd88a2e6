#pragma once

#include "sqs/failure.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tranter::sqs {

/// How often each action was answered, by result. Thread-safe and without locks.
class RequestCounters {
  public:
    struct Count {
        std::string_view action;  // "unknown": a request that names none
        std::string_view code;    // legacy error code, "OK" for a success
        std::uint64_t count = 0;
    };

    using Clock = std::chrono::steady_clock;

    /// `begun`: when the request was here.
    void succeeded(std::size_t action, Clock::time_point begun) {
        add(action, 0);
        durations_[action].add(Clock::now() - begun);
    }
    void failed(std::size_t action, Code code, Clock::time_point begun) {
        add(action, static_cast<std::size_t>(code) + 1);
        durations_[action].add(Clock::now() - begun);
    }

    /// The successes of every action, and every failure that has happened.
    std::vector<Count> list() const;

    /// Seconds.
    static constexpr std::array<double, 15> duration_bounds{
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 20};
    struct Durations {
        std::string_view action;
        std::vector<std::uint64_t> counts{};  // between two bounds, and above the last
        double sum = 0;
    };
    /// Of the actions that were called, with the wait of long polls.
    std::vector<Durations> durations() const;

    /// Index of requests that name no action of ours.
    static constexpr std::size_t unknown_action = 23;

  private:
    static constexpr std::size_t results = static_cast<std::size_t>(Code::service_unavailable) + 2;

    void add(std::size_t action, std::size_t result) {
        counts_[action][result].fetch_add(1, std::memory_order_relaxed);
    }

    struct ActionDurations {
        std::array<std::atomic<std::uint64_t>, duration_bounds.size() + 1> counts{};
        std::atomic<std::int64_t> micros = 0;

        void add(Clock::duration time);
    };

    std::array<std::array<std::atomic<std::uint64_t>, results>, unknown_action + 1> counts_{};
    std::array<ActionDurations, unknown_action + 1> durations_{};
};

}  // namespace tranter::sqs
