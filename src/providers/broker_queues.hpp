#pragma once

#include "base/error.hpp"
#include "broker/broker.hpp"
#include "providers/broker_running.hpp"
#include "providers/broker_types.hpp"

#include <tranter/provider.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::providers {

/// What jobs need of a queue beyond what the broker keeps.
struct JobQueue {
    JobQueue(broker::QueueHandle handle_in, JobTypeNames& names)
        : handle(std::move(handle_in)), types(names) {}

    const broker::QueueHandle handle;
    WorkerTable workers{};
    JobTypeTable types;
    // Since the store was opened:
    std::atomic<std::uint64_t> completed{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> dead{0};
    std::atomic<std::uint64_t> cancelled{0};
    /// Nobody has made sure yet that its dead jobs have a place to go.
    std::atomic<bool> is_unseen{true};
};
/// Shared by the table and by calls under way: a deleted queue lives on until they end.
using JobQueuePtr = std::shared_ptr<JobQueue>;

/// The queues of a broker as jobs see them. Thread-safe.
class JobQueues {
  public:
    explicit JobQueues(broker::Broker& broker) : broker_(broker) {}

    /// Null when there is none of that name.
    JobQueuePtr find(std::string_view name);
    /// `not_found` with a sentence, and the name that may have been meant.
    [[nodiscard]] Result<JobQueuePtr> get(std::string_view name);
    /// Null when there is none of that name; `invalid_argument` when there cannot be one.
    [[nodiscard]] Result<JobQueuePtr> look_up(std::string_view name);
    /// Makes the queue and its dead-letter queue when it is not there. `invalid_argument` for a
    /// name that no queue may have, `unsupported` for a FIFO queue that is not there.
    [[nodiscard]] Result<JobQueuePtr> get_or_make(std::string_view name);
    /// Of a queue that is used for jobs: one that says no dead-letter queue gets NAME-dlq for them,
    /// as queues have that are made for jobs. Messages that are none stay where they are, however
    /// often they are received, and the SQS API shows no redrive policy. The log says so, and also
    /// when there cannot be one: dead jobs are then in the history alone.
    void find_place_for_dead(JobQueue& queue) {
        if (queue.is_unseen.load(std::memory_order_acquire)) look_for_dead_letter_queue(queue);
    }
    JobQueuePtr of(const broker::QueueHandle& handle);
    std::vector<broker::QueueHandle> all() const;

    /// Name of the queue that this dead letter came from; empty: it is none. When that queue is
    /// gone its name is guessed from that of the dead-letter queue.
    std::string dead_from(const broker::Queue& queue, const engine::MessageView& message) const;

    QueueStats stats(const JobQueue& queue) const;
    /// Of the queues that had jobs since the store was opened, by name.
    std::vector<JobQueueMetrics> metrics() const;
    [[nodiscard]] Result<broker::Position> set_paused(const JobQueue& queue, bool paused);
    [[nodiscard]] Result<broker::Position> set_limits(
        const JobQueue& queue, const QueueLimits& limits
    );

  private:
    [[nodiscard]] Result<> make(std::string_view name);
    /// Several threads may do so at once: each returns with the place made, whoever made it.
    void look_for_dead_letter_queue(JobQueue& queue);
    /// Whether it was this call that said so.
    [[nodiscard]] Result<bool> send_dead_jobs(const JobQueue& queue, const std::string& to);
    std::unexpected<Error> no_such_queue(std::string_view name) const;

    broker::Broker& broker_;
    JobTypeNames type_names_;
    mutable std::shared_mutex mutex_;
    std::unordered_map<broker::QueueId, JobQueuePtr> queues_;  // guarded by mutex_
};

}  // namespace tranter::providers
