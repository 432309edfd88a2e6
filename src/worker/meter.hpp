#pragma once

#include "jobs/shared_durations.hpp"

#include <tranter/job.hpp>
#include <tranter/worker_metrics.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::worker {

using jobs::SharedDurations;

/// What is measured of the jobs of one type in one queue.
struct JobMeter {
    SharedDurations queue_latency{};
    /// Guarded by the mutex of the Tally: how attempts ended, which one thread tells nearly always.
    JobTypeMetrics ended{};
};

/// The meters of a worker, by queue and type. Thread-safe; what it has given stays where it is.
class Meters {
  public:
    static constexpr std::size_t types_max = 200;
    static constexpr std::string_view other_types = "other";

    /// That of "other" when too many types are known.
    JobMeter& of(std::string_view queue, std::string_view type);
    std::vector<JobMeter*> all() const;

  private:
    using Key = std::pair<std::string, std::string>;
    struct Less {
        using is_transparent = void;
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const {
            const std::string_view left_queue = left.first;
            const std::string_view right_queue = right.first;
            if (left_queue != right_queue) return left_queue < right_queue;
            return std::string_view(left.second) < std::string_view(right.second);
        }
    };

    JobMeter& add(std::string_view queue, std::string_view type);

    mutable std::shared_mutex mutex_;
    // Guarded by mutex_:
    std::map<Key, std::unique_ptr<JobMeter>, Less> meters_;
    std::set<std::string, std::less<>> types_;
};

}  // namespace tranter::worker
