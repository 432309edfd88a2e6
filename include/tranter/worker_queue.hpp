#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace tranter {

inline constexpr unsigned queue_weight_max = 1'000;

/// A queue to work for. Made of its name wherever nothing more is said.
struct WorkerQueue {
    // NOLINTNEXTLINE(google-explicit-constructor): most queues are nothing but a name
    WorkerQueue(std::string queue, unsigned its_weight = 1, unsigned its_concurrency = 0)
        : name(std::move(queue)), weight(its_weight), concurrency(its_concurrency) {}
    // NOLINTNEXTLINE(google-explicit-constructor): "mail" is one too
    WorkerQueue(const char* queue, unsigned its_weight = 1, unsigned its_concurrency = 0)
        : WorkerQueue(std::string(queue), its_weight, its_concurrency) {}

    std::string name;
    unsigned weight;       // 1 to queue_weight_max
    unsigned concurrency;  // jobs at a time, in this worker; 0: no limit

    bool operator==(const WorkerQueue&) const = default;
};

/// Which of several queues gets what becomes free.
enum class QueueOrder : std::uint8_t {
    /// While all have work, of what becomes free they get shares in the proportion of their
    /// weights (smooth weighted round robin, so that none waits for long). What one does not need,
    /// the others have.
    weighted,
    strict,  // a queue only gets what those before it leave, which may be nothing
};

}  // namespace tranter
