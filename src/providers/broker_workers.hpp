#pragma once

#include "base/time.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// Workers that a store has heard of lately, in memory. Thread-safe.
class KnownWorkers {
  public:
    /// Beyond `workers_max` those that were silent longest are forgotten.
    explicit KnownWorkers(std::size_t workers_max = 10'000) : workers_max_(workers_max) {}

    /// A call for jobs, at its beginning. Without a name nothing is learnt.
    void asks(const ReceiveRequest& request, Instant now);
    /// It got jobs, or renewed a lease. Only of those that have asked.
    void heard(const std::string& name, Instant now);

    /// By name; nothing of what they run.
    std::vector<WorkerInfo> list(Instant now);

  private:
    struct Known {
        std::set<std::string, std::less<>> queues{};
        std::uint32_t concurrency = 0;
        std::string version{};
        Instant first_seen{};
        Instant last_seen{};
        Instant silent_from{};  // later than last_seen while it waits for jobs
    };
    void make_room(Instant now);
    void forget_silent(Instant now);

    const std::size_t workers_max_;
    std::mutex mutex_;
    std::map<std::string, Known, std::less<>> known_;  // guarded by mutex_
};

}  // namespace tranter::providers
