#pragma once

#include "postgres/connection.hpp"

#include <tranter/provider.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The calls of Provider, each with what it does in the database. Their contracts are there.
namespace tranter::postgres_jobs {

struct Store;

// enqueue.cpp
Result<std::vector<Enqueued>> enqueue_jobs(
    Store& store, std::string_view queue, std::span<const NewJob> jobs
);
// Of postgres::JobTransactions.
Result<std::vector<Enqueued>> enqueue_jobs_in(
    postgres::Connection& connection, std::string_view queue, std::span<const NewJob> jobs
);
Result<bool> is_locked(Store& store, std::int64_t key);

// receive.cpp
Result<std::vector<ReceivedJob>> receive_jobs(Store& store, const ReceiveRequest& request);
// settle.cpp
Result<std::vector<Result<>>> settle_jobs(
    Store& store, std::string_view queue, std::span<const Settlement> settlements
);
// extend.cpp
Result<std::vector<Result<Extended>>> extend_leases(
    Store& store, std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
);
// notes.cpp: while it is processing
Result<> set_progress(
    Store& store, std::string_view queue, std::string_view receipt, std::string_view json
);
Result<> append_log(
    Store& store,
    std::string_view queue,
    std::string_view receipt,
    std::span<const std::string> lines
);
Result<> save_step(
    Store& store, std::string_view queue, std::string_view receipt, const Step& step
);

// find.cpp
Result<JobRecord> find_job(Store& store, std::string_view id);
Result<LogPage> log_of_job(Store& store, std::string_view id);
// list.cpp
Result<JobPage> list_jobs(Store& store, const ListRequest& request);
// change.cpp
Result<Cancelled> cancel_job(Store& store, std::string_view id);
Result<> retry_job(Store& store, std::string_view id);
Result<> promote_job(Store& store, std::string_view id);
Result<> remove_job(Store& store, std::string_view id);
// wait.cpp
Result<JobRecord> wait_for_job(Store& store, std::string_view id, Milliseconds timeout);

// queues.cpp
Result<std::vector<QueueStats>> all_queues(Store& store);
Result<QueueStats> stats_of_queue(Store& store, std::string_view queue);
/// Whether it is the dead-letter queue of one whose jobs have all been well so far: it has no row
/// then, and is there all the same.
bool is_unused_dead_letter_queue(postgres::Connection& connection, std::string_view queue);
Result<> set_paused(Store& store, std::string_view queue, bool paused);
Result<> set_limits(Store& store, std::string_view queue, const QueueLimits& limits);
// workers.cpp
Result<std::vector<WorkerInfo>> all_workers(Store& store);
/// At the beginning of receive, once its request is known to be good, and again whenever it goes on
/// waiting. What the database refuses is left for the next time.
void tell_that_worker_asks(Store& store, const ReceiveRequest& request);
/// They got jobs or renewed leases.
void tell_of_workers(Store& store, std::span<const std::string> names);

}  // namespace tranter::postgres_jobs
