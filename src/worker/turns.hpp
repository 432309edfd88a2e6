#pragma once

#include <tranter/worker_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tranter::worker {

inline std::vector<unsigned> weights_of(const std::vector<WorkerQueue>& queues) {
    std::vector<unsigned> weights;
    weights.reserve(queues.size());
    for (const WorkerQueue& queue : queues)
        weights.push_back(queue.weight);
    return weights;
}

/// Which of several queues is next. Not thread-safe.
class Turns {
  public:
    Turns(std::vector<unsigned> weights, QueueOrder order)
        : weights_(std::move(weights)), order_(order), credits_(weights_.size()) {}

    /// Of those that `may(queue)`, by their place in the list; nothing when none may.
    template <class May>
    std::optional<std::size_t> next(const May& may) {
        return order_ == QueueOrder::strict ? first(may) : smooth(may);
    }

    QueueOrder order() const { return order_; }
    std::size_t size() const { return weights_.size(); }

  private:
    template <class May>
    std::optional<std::size_t> first(const May& may) const {
        for (std::size_t queue = 0; queue < weights_.size(); ++queue) {
            if (may(queue)) return queue;
        }
        return std::nullopt;
    }

    /// Everybody earns its weight, and the richest pays for all: three turns of a queue with weight
    /// 3 do not come in a row, and no credit grows beyond the sum of the weights.
    template <class May>
    std::optional<std::size_t> smooth(const May& may) {
        std::optional<std::size_t> richest;
        std::int64_t paid = 0;
        for (std::size_t queue = 0; queue < weights_.size(); ++queue) {
            if (!may(queue)) continue;
            credits_[queue] += weights_[queue];
            paid += weights_[queue];
            if (!richest || credits_[queue] > credits_[*richest]) richest = queue;
        }
        if (richest) credits_[*richest] -= paid;
        return richest;
    }

    std::vector<unsigned> weights_;
    QueueOrder order_;
    std::vector<std::int64_t> credits_;
};

}  // namespace tranter::worker
