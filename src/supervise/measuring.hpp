#pragma once

#include "base/time.hpp"
#include "supervise/descendants.hpp"

#include <sys/types.h>

#include <cstdint>

namespace tranter::supervise {

/// What one instance takes of memory and processor: what its keeper has adopted, whatever that has
/// done to hide. Not thread-safe.
class Meter {
  public:
    Meter(pid_t keeper, Instant now) : keeper_(keeper), at_(now) {}

    /// What it takes now.
    void look();
    /// Also its share of a processor since the last time, which says nothing after a moment.
    void measure(Instant now);

    /// See memory_without_sharing(). Asks now, and takes its time.
    std::uint64_t memory_without_sharing() const;

    const ResourceUse& use() const { return use_; }
    double cpu_share() const { return cpu_share_; }

  private:
    pid_t keeper_;
    ResourceUse use_{};
    Instant at_;  // of the last measure()
    std::uint64_t cpu_micros_at_ = 0;
    double cpu_share_ = 0;
};

}  // namespace tranter::supervise
