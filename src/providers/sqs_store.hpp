#pragma once

#include "base/time.hpp"
#include "providers/sqs_endpoint.hpp"
#include "providers/sqs_leases.hpp"
#include "providers/sqs_queues.hpp"
#include "providers/sqs_url.hpp"

#include <tranter/provider.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::providers {

/// What became of the jobs that this process had. Thread-safe.
class SqsCounters {
  public:
    struct Counts {
        std::uint64_t completed = 0;
        std::uint64_t failed = 0;
        std::uint64_t dead = 0;
        std::uint64_t cancelled = 0;
    };

    void add(std::string_view queue, std::uint64_t Counts::*count) {
        const std::lock_guard lock(mutex_);
        ++(by_queue_[std::string(queue)].*count);
    }
    Counts of(const std::string& queue) const {
        const std::lock_guard lock(mutex_);
        const auto found = by_queue_.find(queue);
        return found == by_queue_.end() ? Counts() : found->second;
    }

  private:
    mutable std::mutex mutex_{};
    std::map<std::string, Counts> by_queue_{};  // guarded by mutex_
};

/// What the parts of the sqs: provider share.
struct SqsStore {
    SqsStore(SqsUrl where, std::unique_ptr<SqsEndpoint> server, std::unique_ptr<Clock> time)
        : url(std::move(where)), endpoint(std::move(server)), clock_owner(std::move(time)) {}
    SqsStore(const SqsStore&) = delete;
    SqsStore& operator=(const SqsStore&) = delete;

    const SqsUrl url;
    const std::unique_ptr<SqsEndpoint> endpoint;
    const std::unique_ptr<Clock> clock_owner;
    const Clock& clock = *clock_owner;
    SqsQueues queues{*endpoint, url, clock};
    SqsLeases leases{};
    SqsCounters counters{};

    TimePoint now() const { return TimePoint(clock.now().time_since_epoch()); }
};

}  // namespace tranter::providers
