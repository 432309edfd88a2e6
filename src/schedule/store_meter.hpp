#pragma once

#include "base/error.hpp"
#include "jobs/shared_durations.hpp"

#include <tranter/job.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace tranter::schedule {

/// How a store answers. Thread-safe, and never waits for the store.
class StoreMeter {
  public:
    /// Measures a call that returns a Result. That something is not there or is there already is
    /// an answer; that the store could not do it is an error.
    template <class Call>
    auto measured(const Call& call) -> decltype(call()) {
        const auto begun = std::chrono::steady_clock::now();
        auto result = call();
        const auto took = std::chrono::steady_clock::now() - begun;
        durations_.put(took);
        if (result || is_answer(result.error().code())) {
            answered(took);
        } else {
            failed(result.error());
        }
        return result;
    }

    struct State {
        DurationBuckets calls{};
        std::uint64_t errors = 0;
        bool answers = true;                    // the last call
        std::optional<Milliseconds> latency{};  // of the last that succeeded
        std::string last_error{};
        std::optional<TimePoint> last_error_at{};
    };
    State state() const;

  private:
    static bool is_answer(Errc code);
    void answered(std::chrono::steady_clock::duration took);
    void failed(const Error& error);

    jobs::SharedDurations durations_{};
    mutable std::mutex mutex_;
    State state_{};  // guarded by mutex_, but for `calls`
};

}  // namespace tranter::schedule
