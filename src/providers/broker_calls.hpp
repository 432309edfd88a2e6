#pragma once

#include "providers/broker_parts.hpp"

#include <tranter/provider.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The calls of BrokerProvider, a file each. Arguments need not outlive a call; `done` is called
/// once, from any thread, maybe before the call returns.
namespace tranter::providers {

template <class T>
using Done = AsyncProvider::Done<T>;
/// Ends a wait; idempotent, any thread.
using EndWait = std::move_only_function<void()>;

void enqueue_jobs(
    BrokerParts& parts,
    std::string_view queue,
    std::span<const NewJob> jobs,
    Done<std::vector<Enqueued>> done
);

EndWait receive_jobs(
    BrokerParts& parts, const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
);
void take_back_jobs(
    BrokerParts& parts, std::string_view queue, std::span<const std::string> receipts
);

void settle_jobs(
    BrokerParts& parts,
    std::string_view queue,
    std::span<const Settlement> settlements,
    Done<std::vector<Result<>>> done
);
void extend_leases(
    BrokerParts& parts,
    std::string_view queue,
    std::span<const std::string> receipts,
    Milliseconds lease,
    Done<std::vector<Result<Extended>>> done
);
[[nodiscard]] Result<> set_job_progress(
    BrokerParts& parts, std::string_view queue, std::string_view receipt, std::string_view json
);
[[nodiscard]] Result<> append_job_log(
    BrokerParts& parts,
    std::string_view queue,
    std::string_view receipt,
    std::span<const std::string> lines
);
void save_job_step(
    BrokerParts& parts,
    std::string_view queue,
    std::string_view receipt,
    const Step& step,
    Done<bool> done
);

/// A job that stands in a queue.
struct LiveJob {
    broker::QueueHandle queue{};
    engine::MessageView message{};
    std::string dead_from{};  // name of a queue; empty: it is no dead letter
};
std::optional<LiveJob> find_live(BrokerParts& parts, const Uuid& id);
JobState live_state(const LiveJob& job);
JobRecord record_of(BrokerParts& parts, const LiveJob& job);
/// What the message says of it: of a dead job history may know more.
JobRecord record_of_message(BrokerParts& parts, const LiveJob& job);
/// `not_found` for what is no UUID, as no job has such an id.
[[nodiscard]] Result<Uuid> read_job_id(std::string_view id);
std::unexpected<Error> no_such_job(std::string_view id);
/// The entry of a job that is in no queue. `not_found`.
[[nodiscard]] Result<history::JobEntry> get_ended(BrokerParts& parts, const Uuid& id);

[[nodiscard]] Result<JobRecord> find_job(BrokerParts& parts, std::string_view id);
[[nodiscard]] Result<LogPage> find_log(BrokerParts& parts, std::string_view id);
[[nodiscard]] Result<JobPage> list_jobs(BrokerParts& parts, const ListRequest& request);
EndWait wait_for_job(BrokerParts& parts, std::string_view id, Done<std::optional<JobRecord>> done);

void cancel_job(BrokerParts& parts, std::string_view id, Done<Cancelled> done);
void retry_job(BrokerParts& parts, std::string_view id, Done<bool> done);
void promote_job(BrokerParts& parts, std::string_view id, Done<bool> done);
/// A removal: the job stands in no queue any more, and nobody can retry it. Wait until the position
/// is durable, then forget_finished(), which may take as long as the disk; end_removal() in any
/// case.
[[nodiscard]] Result<broker::Position> take_out_finished(BrokerParts& parts, std::string_view id);
[[nodiscard]] Result<> forget_finished(BrokerParts& parts, std::string_view id);
void end_removal(BrokerParts& parts, std::string_view id);

[[nodiscard]] Result<std::vector<WorkerInfo>> list_workers(BrokerParts& parts);

}  // namespace tranter::providers
