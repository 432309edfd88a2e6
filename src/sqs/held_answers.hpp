#pragma once

#include "http/message.hpp"
#include "sqs/call.hpp"
#include "sqs/reply.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::sqs {

/// An answer that waits until its change is safe.
struct HeldAnswer {
    Dress dress{};
    http::Response response{};
    std::optional<Reply> reply{};
};

/// Holders of answers, used again and again: they are filled on I/O threads and emptied on the
/// thread that commits, and memory that one thread allocates and another frees is dear.
/// Thread-safe.
class HeldAnswers {
  public:
    std::unique_ptr<HeldAnswer> take() {
        const std::lock_guard lock(mutex_);
        if (spare_.empty()) return std::make_unique<HeldAnswer>();
        auto held = std::move(spare_.back());
        spare_.pop_back();
        return held;
    }

    void give_back(std::unique_ptr<HeldAnswer> held) {
        const std::lock_guard lock(mutex_);
        if (spare_.size() < spare_max) spare_.push_back(std::move(held));
    }

  private:
    static constexpr std::size_t spare_max = 1024;

    std::mutex mutex_;
    std::vector<std::unique_ptr<HeldAnswer>> spare_;  // guarded by mutex_
};

}  // namespace tranter::sqs
