#pragma once

#include <tranter/client.hpp>
#include <tranter/registry.hpp>
#include <tranter/worker_metrics.hpp>
#include <tranter/worker_observer.hpp>
#include <tranter/worker_queue.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tranter {

/// What becomes of a job whose type no handler is registered for.
enum class UnknownType : std::uint8_t {
    fail,  // the attempt has failed: another version of the worker may know it
    dead,
};

struct WorkerOptions {
    /// Empty: those that the registered jobs go to by default.
    std::vector<WorkerQueue> queues{};
    QueueOrder queue_order = QueueOrder::weighted;
    unsigned concurrency = 0;  // handlers at a time; 0: one for each processor
    /// Jobs of one group (a tenant, a user) at a time, in this worker and over all of its queues;
    /// 0: no limit. For a limit that holds in all workers together see QueueLimits.
    unsigned group_concurrency = 0;
    /// How long the store waits for a sign of life before it gives a job to another worker; renewed
    /// after a third of it. At least 1 s, and nothing else than the timeout of a job.
    Milliseconds lease = std::chrono::seconds(30);
    std::string name{};  // for people; empty: host name and process id
    Milliseconds poll_wait = std::chrono::seconds(20);  // how long one call waits for a job
    /// How long running handlers may go on when the worker stops, before they are asked to stop.
    Milliseconds shutdown_timeout = std::chrono::seconds(30);
    /// How long a handler may take to return once its stop_token has fired, because the worker
    /// stops or the attempt has timed out, before somebody else may begin its job.
    Milliseconds stop_grace = std::chrono::seconds(2);
    std::size_t batch_max = 256;  // jobs in one call to the store, in either direction
    UnknownType unknown_type = UnknownType::fail;
};

/// How attempts ended.
struct WorkerCounts {
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;  // another attempt follows
    std::uint64_t dead = 0;    // also: it was the last attempt
    std::uint64_t snoozed = 0;
    std::uint64_t released = 0;  // given back without counting
    std::uint64_t cancelled = 0;
    std::uint64_t lost = 0;  // the lease had ended, so the outcome was refused

    bool operator==(const WorkerCounts&) const = default;
};

struct WorkerFigures {
    WorkerCounts counts{};    // since it was made
    std::size_t running = 0;  // handlers; a job with several runs has several
    std::size_t waiting = 0;  // received and not begun, of which a blocked job counts once
    std::size_t blocked = 0;  // of these, those that a limit keeps from beginning
    /// For every queue the last call to the store succeeded, or one is waiting for jobs.
    bool receiving = false;
    /// Outcomes are stored and leases renewed. False once that of a queue has failed for half a
    /// lease, or for a minute if that is less, and was not done between. What is refused for good,
    /// as the outcome of a job that somebody else has by now, does not count, nor does what has not
    /// been tried for two minutes.
    bool storing = true;
    /// A sentence about what fails of these at present; empty: nothing.
    std::string failing{};
    /// A call for jobs has not come back for a minute beyond the time that it was to wait: starting
    /// again is the only help.
    bool stuck = false;
    /// Of the calls to the store: the last that failed, when it did, and how long the last took
    /// that did not have to wait for jobs.
    std::string last_error{};
    std::optional<TimePoint> last_error_at{};
    std::optional<Milliseconds> latency{};
    /// For each queue that does not exist: a sentence, with the name that may have been meant.
    std::vector<std::string> missing_queues{};
};

/// Bounds for Worker::drain(), which might never end otherwise.
struct DrainOptions {
    std::size_t attempts_max = 100'000;
    Milliseconds time_max = std::chrono::hours(24 * 365);  // how far a virtual clock may move
};

/// Receives jobs from a store, runs their handlers, renews their leases and settles what comes of
/// it. A handler runs on one of `concurrency` threads; each run of an attempt takes one. The store
/// is asked for what can be begun at once and, when handlers are fast, for a few milliseconds of
/// work more.
///
/// Limits of one worker: `concurrency` counts runs; those of queues, handlers and groups count
/// jobs, from the moment their first run is due until the last handler has returned. A job that was
/// received and may not begin because of one of these waits apart, where it needs none of the
/// `concurrency` and keeps nobody else from beginning. As many may wait for each queue as
/// `concurrency`, but at least 8 and at most `batch_max`. When a place becomes free, the group that
/// has the fewest gets it, then the job that has waited longest. After 10 s the job goes back, so
/// that another worker can have it; the attempt does not count, and the worker does not ask that
/// queue for 250 ms. A job for which there is a place and no handler is free goes back after 250
/// ms.
///
/// When all of these places have been taken for 1 s and handlers are free, the worker looks past
/// them for jobs that may begin: what it receives and may not begin is put off uncounted
/// (`snoozed`), for as long as the oldest blocked job has waited, 1 to 10 s.
///
/// Stops in this order: nothing is received any more; what has not begun goes back at once; running
/// handlers may end for `shutdown_timeout`; then their stop_token fires (StopReason::shutdown);
/// after `stop_grace` the jobs of those that still run go back, so that others can begin them.
/// Nothing of this counts as an attempt. A thread cannot be ended from outside, so the worker
/// returns only after the last handler did, whatever that one returns.
///
/// A timeout ends the attempt as failed (type "timeout") and fires the stop_token; what the handler
/// returns is ignored. The store is told when it has returned, so that the next attempt does not
/// begin beside it, and after `stop_grace` at the latest. The handler keeps its thread until it
/// returns.
///
/// While the store does not answer, the worker tries again with growing rests and says so once. An
/// outcome that cannot be delivered is kept until its lease ends.
class Worker {
  public:
    /// Throws Exception: `invalid_argument` for options that contradict themselves, or when there
    /// is no queue to work for.
    Worker(const Client& client, Registry handlers, WorkerOptions options = {});
    /// As stop().
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Works on threads of its own until `stop` is requested and everything has ended. Throws
    /// Exception (`conflict`) when it works already; so do start() and drain().
    void run(std::stop_token stop);

    /// run() in the background.
    void start();
    /// Ends what start() began and waits for it; see above. Idempotent.
    void stop();

    /// For tests: runs everything that is due on the calling thread, one job at a time in the order
    /// in which the store hands them out, and what becomes due by it. With a store that has a
    /// virtual clock, moves it to whatever is due next, so that retries, delays and snoozes run
    /// too, until nothing is left. Timeouts do not fire, since no time passes while a handler runs.
    ///
    /// Throws Exception: what the store said, or `limit_exceeded` when a bound was reached.
    WorkerCounts drain(DrainOptions options = {});

    /// From any thread.
    WorkerFigures figures() const;
    WorkerMetrics metrics() const;
    const std::string& name() const;
    const std::shared_ptr<Provider>& provider() const;

    /// Until the returned object is destroyed; of a call that has begun by then the end is not
    /// waited for. The object outlives the worker, if need be. Of jobs that are received from now
    /// on; drain() tells nobody.
    [[nodiscard]] std::shared_ptr<void> observe(std::shared_ptr<WorkerObserver> observer);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Requested by the first SIGINT or SIGTERM of this process; the second one ends it at once. SIGHUP
/// (the terminal was closed) requests it too, unless it is ignored, as nohup(1) does, and however
/// often it comes ends nothing at once. Made once; every call returns the same.
std::stop_token stop_on_signals();

}  // namespace tranter
