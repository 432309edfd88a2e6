#pragma once

#include <tranter/error.hpp>
#include <tranter/provider.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace tranter::providers {

/// The answer of a call that does not block, for somebody who does. Lives on the stack of who
/// waits; done() is called exactly once, from any thread, and get() returns after that.
template <class T>
class Answer {
  public:
    Answer() = default;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    AsyncProvider::Done<T> done() {
        return [this](Result<T> result) {
            // Notified with the mutex held: who waits destroys this as soon as it gets the mutex.
            const std::lock_guard lock(mutex_);
            result_.emplace(std::move(result));
            changed_.notify_one();
        };
    }

    Result<T> get() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return result_.has_value(); });
        return std::move(*result_);
    }

    /// Waits so long for the answer, or until one of the tokens is stopped.
    void wait_for(std::chrono::milliseconds time, std::initializer_list<std::stop_token> tokens) {
        const auto wake = [this] {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            changed_.notify_one();
        };
        std::deque<std::stop_callback<decltype(wake)>> callbacks;
        for (const std::stop_token& token : tokens)
            callbacks.emplace_back(token, wake);
        // Clocks overflow when somebody waits for ever.
        constexpr std::chrono::milliseconds time_max = std::chrono::hours(24 * 365);
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::min(time, time_max), [this] {
            return result_.has_value() || stopped_;
        });
        lock.unlock();  // the callbacks take it, and their destructors wait for them
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    std::optional<Result<T>> result_{};
    bool stopped_ = false;
};

}  // namespace tranter::providers
