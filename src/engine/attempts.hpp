#pragma once

#include "base/time.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::engine {

/// What a receive with a request attempt id handed out, so that a retry of the same request gets
/// the same messages (SQS_SPEC 11.7).
class ReceiveAttempts {
  public:
    struct Handed {
        Receipt receipt{};
        Instant visible_at{};  // changes when somebody changes the visibility
    };
    static constexpr Duration window = std::chrono::minutes(5);
    /// What an attempt takes beside its id and its receipts, with what malloc adds.
    static constexpr std::size_t attempt_memory_bytes = 240;

    std::vector<Handed>* find(std::string_view id) {
        const auto found = attempts_.find(std::string(id));
        return found == attempts_.end() ? nullptr : &found->second.handed;
    }

    /// One more answer has these deliveries.
    void repeat(const std::vector<Handed>& handed) {
        for (const auto& [receipt, visible_at] : handed) {
            Repeated& repeated = repeated_[receipt.sequence];
            if (repeated.delivery != receipt.delivery) repeated = {.delivery = receipt.delivery};
            ++repeated.times;
        }
    }
    /// An answer with this delivery did not arrive. Whether another one has it, too.
    bool is_elsewhere(const Receipt& receipt) {
        const auto found = repeated_.find(receipt.sequence);
        if (found == repeated_.end() || found->second.delivery != receipt.delivery) return false;
        if (--found->second.times == 0) repeated_.erase(found);
        return true;
    }

    /// Replaces what the id meant before.
    void remember(std::string_view id, std::vector<Handed> handed, Instant now) {
        Attempt& attempt = attempts_[std::string(id)];
        forget_repeats(attempt);
        const std::size_t bytes =
            attempt_memory_bytes + 2 * id.size() + handed.size() * sizeof(Handed);
        bytes_ += bytes;
        attempt = {.at = now, .handed = std::move(handed)};
        order_.push_back({.at = now, .bytes = bytes, .id = std::string(id)});
    }

    void expire(Instant now) {
        while (!order_.empty() && order_.front().at + window <= now) {
            const auto found = attempts_.find(order_.front().id);
            // A later remember() of the same id has its own entry in the order.
            if (found != attempts_.end() && found->second.at == order_.front().at) {
                forget_repeats(found->second);
                attempts_.erase(found);
            }
            bytes_ -= order_.front().bytes;
            order_.pop_front();
        }
    }

    std::optional<Instant> next_expiry() const {
        if (order_.empty()) return std::nullopt;
        return order_.front().at + window;
    }

    void clear() {
        attempts_.clear();
        order_.clear();
        repeated_.clear();
        bytes_ = 0;
    }
    /// About what all this takes.
    std::uint64_t bytes() const { return bytes_; }

  private:
    struct Attempt {
        Instant at{};
        std::vector<Handed> handed{};
    };
    struct Ordered {
        Instant at{};
        std::size_t bytes = 0;
        std::string id{};
    };
    struct Repeated {
        std::uint32_t delivery = 0;
        std::uint32_t times = 0;
    };
    void forget_repeats(const Attempt& attempt) {
        if (repeated_.empty()) return;
        for (const Handed& handed : attempt.handed) {
            const auto found = repeated_.find(handed.receipt.sequence);
            const bool same =
                found != repeated_.end() && found->second.delivery == handed.receipt.delivery;
            if (same) repeated_.erase(found);
        }
    }
    std::unordered_map<std::string, Attempt> attempts_;
    std::deque<Ordered> order_;
    std::unordered_map<Sequence, Repeated> repeated_{};  // of attempts that are remembered
    std::uint64_t bytes_ = 0;
};

}  // namespace tranter::engine
