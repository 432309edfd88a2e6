#pragma once

#include "base/time.hpp"
#include "supervise/descendants.hpp"

#include <sys/types.h>

namespace tranter::supervise {

/// What one instance takes of memory and processor: what its keeper has adopted, whatever that has
/// done to hide. Not thread-safe.
class Meter {
  public:
    Meter(pid_t keeper, Instant now) : keeper_(keeper), at_(now) {}

    void measure(Instant now);

    const ResourceUse& use() const { return use_; }
    double cpu_share() const { return cpu_share_; }

  private:
    pid_t keeper_;
    Instant at_;
    ResourceUse use_{};
    double cpu_share_ = 0;
};

}  // namespace tranter::supervise
