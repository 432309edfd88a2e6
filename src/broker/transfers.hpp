#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace tranter::broker {

/// Counts messages that have left one queue and whose MessageMoved record is not appended yet.
/// While one is on its way neither queue has it, so whoever looks for live messages has to wait
/// for it. Thread-safe; its mutex is an innermost one.
class Transfers {
  public:
    /// One transfer or several under way; ends with it.
    class Token {
      public:
        Token() = default;
        Token(Token&& other) noexcept
            : transfers_(std::exchange(other.transfers_, nullptr)), round_(other.round_) {}
        Token& operator=(Token&& other) noexcept {
            std::swap(transfers_, other.transfers_);
            std::swap(round_, other.round_);
            return *this;
        }
        ~Token() {
            if (transfers_ != nullptr) transfers_->end(round_);
        }
        explicit operator bool() const { return transfers_ != nullptr; }

      private:
        friend class Transfers;
        Token(Transfers* transfers, std::size_t round) : transfers_(transfers), round_(round) {}
        Transfers* transfers_ = nullptr;
        std::size_t round_ = 0;
    };

    /// Called under the mutex of the queue that the message leaves.
    Token begin() {
        const std::lock_guard lock(mutex_);
        ++under_way_[round_];
        return {this, round_};
    }

    /// Returns when every transfer that had begun before this call has ended. Called by one thread
    /// at a time, under no lock.
    void settle() {
        std::unique_lock lock(mutex_);
        const std::size_t before = std::exchange(round_, 1 - round_);
        ended_.wait(lock, [&] { return under_way_[before] == 0; });
    }

  private:
    void end(std::size_t round) {
        const std::lock_guard lock(mutex_);
        if (--under_way_[round] == 0) ended_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable ended_;
    // Two rounds, so that settle() does not wait for transfers that began after it.
    std::array<std::size_t, 2> under_way_{};
    std::size_t round_ = 0;
};

}  // namespace tranter::broker
