#pragma once

#include "sqs/failure.hpp"

#include <array>
#include <atomic>
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

    void succeeded(std::size_t action) { add(action, 0); }
    void failed(std::size_t action, Code code) { add(action, static_cast<std::size_t>(code) + 1); }

    /// The successes of every action, and every failure that has happened.
    std::vector<Count> list() const;

    /// Index of requests that name no action of ours.
    static constexpr std::size_t unknown_action = 23;

  private:
    static constexpr std::size_t results = static_cast<std::size_t>(Code::service_unavailable) + 2;

    void add(std::size_t action, std::size_t result) {
        counts_[action][result].fetch_add(1, std::memory_order_relaxed);
    }

    std::array<std::array<std::atomic<std::uint64_t>, results>, unknown_action + 1> counts_{};
};

}  // namespace tranter::sqs
