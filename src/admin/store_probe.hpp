#pragma once

#include <tranter/provider.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace tranter::admin {

/// Asks a store that is elsewhere, every few seconds on a thread of its own, what its queues hold,
/// so that whoever asks for health or metrics never waits for it.
class StoreProbe {
  public:
    struct State {
        bool answers = false;      // the last time
        Milliseconds latency{};    // of the last answer
        std::string last_error{};  // may be over since
        TimePoint last_error_at{};
        std::vector<QueueStats> queues{};  // as of the last answer
    };

    /// `provider` outlives it. The first answer is there, or has failed, when it is made.
    StoreProbe(Provider& provider, Milliseconds period);
    ~StoreProbe();
    StoreProbe(const StoreProbe&) = delete;
    StoreProbe& operator=(const StoreProbe&) = delete;

    /// Never null. Thread-safe. A store that has been silent for ten seconds does not answer.
    std::shared_ptr<const State> state() const;

  private:
    using Clock = std::chrono::steady_clock;

    void ask();
    std::shared_ptr<State> answer_of(const Result<std::vector<QueueStats>>& queues) const;
    void run(const std::stop_token& stop);

    Provider& provider_;
    const Milliseconds period_;
    mutable std::mutex mutex_;
    std::optional<Clock::time_point> asked_at_{};  // while it has not answered; guarded by mutex_
    std::shared_ptr<const State> state_ = std::make_shared<State>();  // guarded by mutex_
    std::jthread thread_{};                                           // last: it uses the rest
};

}  // namespace tranter::admin
