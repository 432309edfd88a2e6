#pragma once

#include "postgres_jobs/wakeups.hpp"

#include <tranter/provider.hpp>

#include <memory>

namespace tranter::postgres_jobs {

/// Tells listeners of this process what the functions in the database say on the channel
/// `tranter_events`, which they do only while somebody asks for it. Thread-safe.
class EventHub {
  public:
    explicit EventHub(Wakeups& wakeups) : wakeups_(wakeups) {}

    /// As Provider::subscribe().
    Result<std::shared_ptr<void>> subscribe(Provider::Listener listener);

  private:
    Wakeups& wakeups_;
};

}  // namespace tranter::postgres_jobs
