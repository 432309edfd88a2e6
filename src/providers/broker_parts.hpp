#pragma once

#include "base/error.hpp"
#include "broker/broker.hpp"
#include "jobs/job_event_hub.hpp"
#include "providers/broker_finished.hpp"
#include "providers/broker_history.hpp"
#include "providers/broker_queues.hpp"
#include "providers/broker_running.hpp"
#include "providers/broker_under_way.hpp"
#include "providers/broker_waits.hpp"
#include "providers/broker_workers.hpp"

#include <tranter/provider.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

/// What the calls of BrokerProvider work on, and what they share. For its own files.
namespace tranter::providers {

struct BrokerParts {
    BrokerParts(broker::Broker& broker_in, JobHistory* history_in, std::uint64_t seed)
        : broker(broker_in), history(history_in), queues(broker_in), random(seed) {}

    broker::Broker& broker;
    JobHistory* const history;  // null: none is kept
    JobQueues queues;
    RunningJobs running{};
    JobsUnderWay under_way{};
    JobWaits waits{};
    jobs::JobEventHub events{};
    KnownWorkers workers{};
    std::atomic<std::uint64_t> random;  // state of the jitter
    std::atomic<bool> closed{false};
    /// Held while it is looked whether an id that a caller chose is known, and until its job is
    /// there.
    std::mutex chosen_ids{};
    /// Jobs that are being forgotten, and live no more. Guarded by chosen_ids.
    std::unordered_set<Uuid, UuidHash> removing{};
};

/// 64 random bits for a retry.
std::uint64_t next_random(BrokerParts& parts);
/// `unavailable` after close().
[[nodiscard]] Result<> check_open(const BrokerParts& parts);
[[nodiscard]] Result<engine::Receipt> read_receipt(
    const BrokerParts& parts, const JobQueue& queue, std::string_view receipt
);
/// What a call says whose change is not durable and never will be.
Error not_durable(const BrokerParts& parts);

/// Runs `then(bool durable)` once it is decided: before returning in memory, else later on a thread
/// of the journal.
template <class Then>
void when_durable(broker::Broker& broker, broker::Position position, Then then) {
    if (broker.journal().is_durable(position)) return then(true);
    broker.journal().when_durable(position, std::move(then));
}

/// Still empty.
std::shared_ptr<FinishedJobs> finished_in(const JobQueue& queue);
/// Tells everybody who wants to know that attempts have ended, once that is durable: figures,
/// history, who waits and who listens. `ended` may be null or empty.
void tell_ended(
    BrokerParts& parts, JobQueue& queue, const std::shared_ptr<const FinishedJobs>& ended
);
/// Has the broker tell what ended by itself and nobody has noticed yet.
void look_for_endings(BrokerParts& parts);
/// What ended without a call, as Broker::on_ended tells it.
void tell_endings(
    BrokerParts& parts,
    const broker::QueueHandle& queue,
    std::vector<broker::Broker::Ending> endings
);

}  // namespace tranter::providers
