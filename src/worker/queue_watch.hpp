#pragma once

#include <tranter/error.hpp>

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::worker {

/// Says once that a queue does not exist, and once that it does: it may be misspelt, or be made by
/// its first job. Thread-safe.
class QueueWatch {
  public:
    /// The error says which name may have been meant.
    void missing(const std::string& queue, const Error& error);
    void found(const std::string& queue) {
        if (count_.load(std::memory_order_relaxed) > 0) say_it_exists(queue);
    }
    /// For each that does not exist, what the error said.
    std::vector<std::string> all_missing() const;

  private:
    void say_it_exists(const std::string& queue);

    std::atomic<std::size_t> count_ = 0;
    mutable std::mutex mutex_;
    std::map<std::string, std::string> missing_;  // guarded by mutex_
};

}  // namespace tranter::worker
