#pragma once

#include "base/time.hpp"
#include "jobs/queue_metrics.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// The types of jobs that metrics name: anybody can make up more than anybody can store.
/// Thread-safe.
class JobTypeNames {
  public:
    static constexpr std::size_t types_max = 200;

    /// The type itself, or "other" when too many are known.
    std::string_view shown(std::string_view type);

  private:
    std::mutex mutex_;
    std::set<std::string, std::less<>> types_;  // guarded by mutex_
};

/// The figures of one queue's jobs. Thread-safe, through Access.
class JobTypeTable {
  public:
    explicit JobTypeTable(JobTypeNames& names) : names_(names) {}

    /// Holds the lock of the table: for one call of the store with all of its jobs.
    class Access {
      public:
        explicit Access(JobTypeTable& table) : table_(table), lock_(table.mutex_) {}

        JobTypeCounts& of(std::string_view type);
        void waited(Duration time);

      private:
        JobTypeTable& table_;
        const std::lock_guard<std::mutex> lock_;
        JobTypeCounts* last_ = nullptr;  // most jobs of a call have one type
        std::string_view last_type_{};
    };

    /// Without the name of the queue.
    JobQueueMetrics read() const;

  private:
    JobTypeNames& names_;
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::map<std::string, JobTypeCounts, std::less<>> types_;
    DurationBuckets latency_{};
};

}  // namespace tranter::providers
