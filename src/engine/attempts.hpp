#pragma once

#include "base/time.hpp"
#include "engine/types.hpp"

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

    std::vector<Handed>* find(std::string_view id) {
        const auto found = attempts_.find(std::string(id));
        return found == attempts_.end() ? nullptr : &found->second.handed;
    }

    /// Replaces what the id meant before.
    void remember(std::string_view id, std::vector<Handed> handed, Instant now) {
        Attempt& attempt = attempts_[std::string(id)];
        attempt = {.at = now, .handed = std::move(handed)};
        order_.push_back({.at = now, .id = std::string(id)});
    }

    void expire(Instant now) {
        while (!order_.empty() && order_.front().at + window <= now) {
            const auto found = attempts_.find(order_.front().id);
            // A later remember() of the same id has its own entry in the order.
            if (found != attempts_.end() && found->second.at == order_.front().at) {
                attempts_.erase(found);
            }
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
    }

  private:
    struct Attempt {
        Instant at{};
        std::vector<Handed> handed{};
    };
    struct Ordered {
        Instant at{};
        std::string id{};
    };
    std::unordered_map<std::string, Attempt> attempts_;
    std::deque<Ordered> order_;
};

}  // namespace tranter::engine
