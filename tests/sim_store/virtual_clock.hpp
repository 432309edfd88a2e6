#pragma once

#include "base/time.hpp"

namespace tranter::store_sim {

class VirtualClock final : public Clock {
  public:
    Instant now() const override { return now_; }
    void set(Instant now) { now_ = now; }

  private:
    Instant now_{};
};

}  // namespace tranter::store_sim
