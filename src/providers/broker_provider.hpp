#pragma once

#include "broker/broker.hpp"
#include "jobs/queue_metrics.hpp"
#include "providers/broker_history.hpp"

#include <tranter/provider.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {

struct BrokerParts;

struct BrokerProviderOptions {
    std::string name = "memory";
    bool virtual_time = false;
    /// Of the jitter of retries; 0: other numbers at each start.
    std::uint64_t seed = 0;
};

/// Jobs over a broker of this process: what `memory:` and `file:` open, and what `tranter serve`
/// serves the Jobs API from.
///
/// A job is a message of the broker, so SQS clients see it too. Steps and failures travel with it
/// as its note; progress and logs of jobs that are not finished, and the names of workers, are kept
/// in memory. What ended goes to the history behind the answer.
///
/// Takes Broker::on_ended for itself. Broker and history outlive the provider, and nothing may call
/// the broker any more, nor its journal call back, when it is destroyed.
class BrokerProvider : public Provider, public AsyncProvider {
  public:
    /// `history` may be null: then jobs are forgotten when they end.
    BrokerProvider(
        broker::Broker& broker, JobHistory* history, const BrokerProviderOptions& options = {}
    );
    ~BrokerProvider() override;
    BrokerProvider(const BrokerProvider&) = delete;
    BrokerProvider& operator=(const BrokerProvider&) = delete;

    std::string_view name() const override { return name_; }
    const Capabilities& capabilities() const override { return capabilities_; }

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override;
    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override;
    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override;
    Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) override;

    Result<> set_progress(std::string_view queue, std::string_view receipt, std::string_view json)
        override;
    Result<> append_log(
        std::string_view queue, std::string_view receipt, std::span<const std::string> lines
    ) override;
    Result<> save_step(std::string_view queue, std::string_view receipt, const Step& step) override;

    Result<JobRecord> find(std::string_view id) override;
    Result<LogPage> log_of(std::string_view id) override;
    Result<JobPage> list(const ListRequest& request) override;
    Result<Cancelled> cancel(std::string_view id) override;
    Result<> retry(std::string_view id) override;
    Result<> promote(std::string_view id) override;
    Result<> remove(std::string_view id) override;
    Result<JobRecord> wait(std::string_view id, Milliseconds timeout) override;

    Result<std::vector<QueueStats>> queues() override;
    Result<QueueStats> stats(std::string_view queue) override;
    Result<std::vector<WorkerInfo>> workers() override;
    Result<> set_paused(std::string_view queue, bool paused) override;
    Result<> set_limits(std::string_view queue, const QueueLimits& limits) override;
    Result<std::shared_ptr<void>> subscribe(Listener listener) override;

    /// Since it was made. O(queues), and no lock is held for longer than one queue takes.
    std::vector<JobQueueMetrics> metrics() const;

    /// Ends waits for jobs and blocking receives. Receives that do not block are the caller's to
    /// end, or the broker's when it is stopped.
    void close() override;
    AsyncProvider* async() override { return this; }

    // Without blocking:
    void enqueue(std::string_view queue, std::vector<NewJob> jobs, Done<std::vector<Enqueued>> done)
        override;
    std::move_only_function<void()> receive(
        const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
    ) override;
    void settle(
        std::string_view queue,
        std::vector<Settlement> settlements,
        Done<std::vector<Result<>>> done
    ) override;
    void take_back(std::string_view queue, std::vector<std::string> receipts) override;
    std::move_only_function<void()> wait(std::string_view id, Done<std::optional<JobRecord>> done)
        override;

  private:
    const std::string name_;
    const Capabilities capabilities_;
    const std::unique_ptr<BrokerParts> parts_;
    std::stop_source closing_{};
};

}  // namespace tranter::providers
