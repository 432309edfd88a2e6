#pragma once

#include <tranter/provider.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// A worker as this process has last seen it.
struct Sighting {
    using Clock = std::chrono::steady_clock;

    std::string name{};
    std::set<std::string, std::less<>> queues{};  // that it has asked for jobs
    std::uint32_t concurrency = 0;                // 0: it has not said
    std::string version{};                        // empty: it has not said
    Clock::time_point seen{};
    Clock::time_point silent_from{};  // later than `seen` while it waits for jobs
};

/// What this process has seen of workers and the database does not know yet. It is written down
/// every five seconds for a worker, so that hand-outs do not pay for it; what is new about one (its
/// name, a queue, its version) at once. Thread-safe.
class WorkerSightings {
  public:
    using Clock = Sighting::Clock;

    /// A call for jobs, at its beginning. Without a name nothing is learnt.
    void asks(const ReceiveRequest& request, Clock::time_point now = Clock::now());
    /// It got jobs, or renewed a lease.
    void heard(std::string_view worker, Clock::time_point now = Clock::now());

    /// What has to be written down now. Counts as written until put_back().
    std::vector<Sighting> take_due(Clock::time_point now = Clock::now());
    /// Whatever is not written down.
    std::vector<Sighting> take_all(Clock::time_point now = Clock::now());
    /// It was not written after all.
    void put_back(const std::vector<Sighting>& sightings);

  private:
    struct Known {
        Sighting sighting{};
        Clock::time_point written{};  // {}: never
        bool has_news = false;        // that cannot wait
        bool changed = false;
    };
    Known& known(std::string_view name);
    void forget_silent(Clock::time_point now);

    std::mutex mutex_;
    std::map<std::string, Known, std::less<>> known_{};  // guarded by mutex_
    Clock::time_point next_due_{};                       // guarded by mutex_
};

}  // namespace tranter::postgres_jobs
