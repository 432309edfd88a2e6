#pragma once

#include <tranter/connection_metrics.hpp>
#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tranter {

/// What a store can do. What it cannot is refused with `unsupported` and a sentence that names the
/// provider, never ignored.
struct Capabilities {
    bool look_up = false;     // find, cancel, retry, promote, remove, wait
    bool list = false;        // of what is not finished
    bool history = false;     // find, list and search what is finished, with results and logs
    bool priorities = false;  // other than the default
    bool groups = false;      // group limits and fairness; without it groups are only kept
    bool dedup = false;       // all four modes
    bool dedup_simple_fifo = false;  // only `simple`, inside a fixed window
    bool ttl = false;                // deadlines kept by the store itself
    bool cancel_running = false;
    bool progress = false;  // progress and logs
    bool steps = false;
    bool pause = false;
    bool limits = false;
    bool events = false;
    bool workers = false;                       // who works
    bool atomic_batch = false;                  // enqueue of many: all or none
    std::size_t partial_batch = 1;              // jobs of one request when it is not
    Milliseconds delay_max{};                   // longest delay; 0: any
    bool fifo_delays = true;                    // of single jobs in queues named *.fifo
    bool free_returns = true;                   // releasing or snoozing a job leaves no count of it
    std::size_t batch_max = jobs_per_call_max;  // jobs per call
    bool virtual_time = false;                  // see Provider::virtual_time()
};

/// How an attempt ended.
struct Completed {
    std::string result{};  // JSON; empty: none
    /// The handler has told the store itself, in a transaction of its own: see settled(). A worker
    /// does not tell it again; stores do not look at it.
    bool is_settled = false;
};
/// Another attempt follows as the job's retry policy says, or `retry_after` from now; when the job
/// has no attempts left it is dead.
struct Failed {
    std::string type{};
    std::string text{};
    std::optional<Milliseconds> retry_after{};
};
/// Interrupted: available at once, and the attempt does not count.
struct Released {};
/// Available again `after` from now, and the attempt does not count.
struct Snoozed {
    Milliseconds after{};
};
/// No further attempt: goes to the queue's dead-letter queue, when it has one.
struct Dead {
    std::string type{};
    std::string reason{};
};
/// It was cancelled and has stopped.
struct Stopped {};
using AttemptOutcome = std::variant<Completed, Failed, Released, Snoozed, Dead, Stopped>;

struct Settlement {
    std::string receipt{};
    AttemptOutcome outcome{};
};

inline constexpr std::size_t worker_name_bytes_max = 256;

struct ReceiveRequest {
    std::string queue{};
    std::size_t jobs_max = 1;
    Milliseconds lease = std::chrono::seconds(30);  // at least 1 s
    Milliseconds wait{};                            // for the first job; 0: do not wait
    std::string worker{};                           // name, for people; see workers()
    std::uint32_t worker_concurrency = 0;           // handlers at a time; 0: not said
    std::string worker_version{};                   // empty: not said
    /// Ends the wait early; what it had found by then is still returned.
    std::stop_token stop{};
};

/// What a heartbeat says about the job.
struct Extended {
    TimePoint lease_until{};
    bool cancel_requested = false;
};

struct ListRequest {
    /// In the language of searches (`queue:mail state:dead args.user.id:42`); empty: all.
    std::string filter{};
    std::size_t jobs_max = 50;  // 1 to 1,000
    std::string cursor{};       // JobPage::next of the page before; empty: the first
    /// Only what stands in this dead-letter queue, in no particular order; empty: all jobs. A
    /// message that was sent there by hand is `pending`, and one that somebody has received
    /// `processing`. Ages of the filter then count from the moment at which a job died.
    std::string dead_letter_queue{};
};
/// Unfinished jobs first, in order of queue and age; then finished ones, newest first.
struct JobPage {
    std::vector<JobRecord> jobs{};  // payloads and results are there, logs are not
    std::string next{};             // empty: the last page
};

/// 0: no limit.
struct QueueLimits {
    std::uint32_t max_in_flight = 0;
    std::uint32_t max_in_flight_per_group = 0;
    std::uint32_t max_queued_per_group = 0;
    bool fair = true;  // groups take turns

    bool operator==(const QueueLimits&) const = default;
};

struct QueueStats {
    std::string queue{};
    bool paused = false;
    QueueLimits limits{};
    std::uint64_t pending = 0;
    std::uint64_t scheduled = 0;  // with those that wait for their next attempt
    std::uint64_t processing = 0;
    // Since the store was opened:
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;  // attempts
    std::uint64_t dead = 0;
    std::uint64_t cancelled = 0;
    std::optional<Milliseconds> oldest_pending{};  // age
    std::string dead_letter_queue{};               // empty: none
};

/// A worker that the store has heard of.
struct WorkerInfo {
    std::string name{};
    std::vector<std::string> queues{};  // that it has asked for jobs, by name
    std::uint64_t running = 0;          // jobs whose lease it holds
    std::uint32_t concurrency = 0;      // 0: it has not said
    std::string version{};              // empty: it has not said
    TimePoint first_seen{};
    TimePoint last_seen{};  // it asked for jobs or renewed a lease

    bool operator==(const WorkerInfo&) const = default;
};

enum class Cancelled : std::uint8_t {
    removed,    // it waited, and is cancelled now
    requested,  // it runs, and is told with its next heartbeat
};

/// A job's state changed.
struct JobEvent {
    std::uint64_t number = 0;  // grows by one; a gap means that some were missed
    TimePoint at{};
    std::string id{};
    std::string queue{};
    std::string type{};
    JobState state = JobState::pending;
    std::uint32_t attempt = 0;
};

/// Time that passes only when it is told to, for tests.
class VirtualTime {
  public:
    virtual ~VirtualTime() = default;
    virtual TimePoint now() const = 0;
    /// When the store next has something to do (a delay, a lease or a deadline ends).
    virtual std::optional<TimePoint> next_event() const = 0;
    virtual void advance_to(TimePoint when) = 0;
};

/// Calls that never block, for servers. `done` is called once, from any thread, maybe before the
/// call returns.
class AsyncProvider {
  public:
    template <class T>
    using Done = std::move_only_function<void(Result<T>)>;

    virtual ~AsyncProvider() = default;
    virtual void enqueue(
        std::string_view queue, std::vector<NewJob> jobs, Done<std::vector<Enqueued>> done
    ) = 0;
    /// The caller watches `wait` itself, and ends it with what is returned (idempotent, any
    /// thread); `request.wait` of 0 does not wait, any other value does.
    virtual std::move_only_function<void()> receive(
        const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
    ) = 0;
    /// One result for each settlement.
    virtual void settle(
        std::string_view queue,
        std::vector<Settlement> settlements,
        Done<std::vector<Result<>>> done
    ) = 0;
    /// Jobs that were received and could not be given to anybody: available at once.
    virtual void take_back(std::string_view queue, std::vector<std::string> receipts) = 0;
    /// Until the job is finished. Ended as receive() is, with nothing.
    virtual std::move_only_function<void()> wait(
        std::string_view id, Done<std::optional<JobRecord>> done
    ) = 0;
};

/// A store of jobs. Every call blocks until it is as durable as the store promises, and may be made
/// from any thread. Queues are made when a job is first enqueued into them.
///
/// Errors of every call: `unavailable` and `timed_out` when the store does not answer,
/// `unauthenticated` when it does not let us in, `unsupported` for what it cannot do,
/// `invalid_argument` for what nobody could, `not_found` for a job or queue that is not there. Of
/// calls with a receipt: `conflict` when the delivery is over (the lease ended, or it was settled).
class Provider {
  public:
    virtual ~Provider() = default;

    /// "memory", "file", "http", "sqs", ...
    virtual std::string_view name() const = 0;
    virtual const Capabilities& capabilities() const = 0;

    /// In order, one answer for each. All or none where the store can; otherwise an error may leave
    /// some enqueued. `limit_exceeded` when a group or the queue is full.
    [[nodiscard]] virtual Result<std::vector<Enqueued>> enqueue(
        std::string_view queue, std::span<const NewJob> jobs
    ) = 0;
    /// As enqueue(), with an answer of its own for each job: one with an error is not there, unless
    /// the error says that the store did not answer. Stores that do not take all or none are asked
    /// for one job at a time, if they know no better.
    [[nodiscard]] virtual std::vector<Result<Enqueued>> enqueue_each(
        std::string_view queue, std::span<const NewJob> jobs
    ) {
        const std::size_t most = capabilities().atomic_batch ? jobs.size() : 1;
        std::vector<Result<Enqueued>> answers;
        answers.reserve(jobs.size());
        for (auto rest = jobs; !rest.empty(); rest = rest.subspan(most)) {
            auto some = enqueue(queue, rest.first(most));
            for (std::size_t i = 0; i < most; ++i) {
                if (!some) {
                    answers.emplace_back(std::unexpected(some.error()));
                } else if (some->size() != most) {
                    answers.emplace_back(
                        std::unexpected(Error(Errc::internal, "the store did not answer for all"))
                    );
                } else {
                    answers.emplace_back(std::move((*some)[i]));
                }
            }
        }
        return answers;
    }
    /// Empty when the wait ends.
    [[nodiscard]] virtual Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request
    ) = 0;
    /// One result for each.
    [[nodiscard]] virtual Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) = 0;
    /// The lease ends `lease` from now. One result for each receipt.
    [[nodiscard]] virtual Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) = 0;

    /// Any JSON; the last one counts.
    [[nodiscard]] virtual Result<> set_progress(
        std::string_view queue, std::string_view receipt, std::string_view json
    ) = 0;
    [[nodiscard]] virtual Result<> append_log(
        std::string_view queue, std::string_view receipt, std::span<const std::string> lines
    ) = 0;
    /// Kept with the job for its later attempts; durable when it returns.
    [[nodiscard]] virtual Result<> save_step(
        std::string_view queue, std::string_view receipt, const Step& step
    ) = 0;

    [[nodiscard]] virtual Result<JobRecord> find(std::string_view id) = 0;
    [[nodiscard]] virtual Result<LogPage> log_of(std::string_view id) = 0;
    [[nodiscard]] virtual Result<JobPage> list(const ListRequest& request) = 0;
    /// `conflict` when it is finished.
    [[nodiscard]] virtual Result<Cancelled> cancel(std::string_view id) = 0;
    /// Another go, with all attempts: a dead, cancelled or completed job is pending again under its
    /// id, and one that waits for its next attempt need not wait. `conflict` when it is pending,
    /// scheduled or runs.
    [[nodiscard]] virtual Result<> retry(std::string_view id) = 0;
    /// Scheduled or failed: due now. `conflict` for other states.
    [[nodiscard]] virtual Result<> promote(std::string_view id) = 0;
    /// Forgets a job that is finished: a dead one leaves its dead-letter queue, and history has
    /// nothing of it any more. `conflict` when it is not finished.
    [[nodiscard]] virtual Result<> remove(std::string_view id) = 0;
    /// The job once it is finished; `timed_out`.
    [[nodiscard]] virtual Result<JobRecord> wait(std::string_view id, Milliseconds timeout) = 0;

    /// By name.
    [[nodiscard]] virtual Result<std::vector<QueueStats>> queues() = 0;
    [[nodiscard]] virtual Result<QueueStats> stats(std::string_view queue) = 0;
    /// Those that received with a name and were heard of within the last ten minutes, or wait for
    /// jobs now, by name. Nothing is known of the time before the store was opened; a store that
    /// sees more than 10,000 workers forgets those first that were silent longest.
    [[nodiscard]] virtual Result<std::vector<WorkerInfo>> workers() = 0;
    /// Nothing is handed out while a queue is paused. Makes the queue when it is not there.
    [[nodiscard]] virtual Result<> set_paused(std::string_view queue, bool paused) = 0;
    /// Makes the queue when it is not there.
    [[nodiscard]] virtual Result<> set_limits(
        std::string_view queue, const QueueLimits& limits
    ) = 0;

    /// Calls `listener` from any thread, soon after each change, never under a lock of the store,
    /// until the returned object is destroyed.
    using Listener = std::function<void(const JobEvent&)>;
    [[nodiscard]] virtual Result<std::shared_ptr<void>> subscribe(Listener listener) = 0;

    /// Ends waits; later calls are `unavailable`. Idempotent.
    virtual void close() = 0;

    /// Does not ask the server. Empty when there is none, or nothing is counted.
    virtual std::optional<ConnectionMetrics> connections() const { return std::nullopt; }

    /// Null when the store has no calls that do not block.
    virtual AsyncProvider* async() { return nullptr; }
    /// Null unless the store was opened with virtual time.
    virtual VirtualTime* virtual_time() { return nullptr; }
};

struct ProviderOptions {
    std::string token{};        // bearer token of http:; empty: TRANTER_TOKEN
    bool virtual_time = false;  // memory: only
    /// file: what an acknowledged call survives: "sync" a power loss, "os" the end of the process.
    std::string durability = "sync";
    bool history = true;  // memory: and file:, keep finished jobs
    /// file: makes a store where there is none; otherwise that is `not_found`.
    bool create = true;
    /// sqs: where the dead jobs of a queue go, instead of where its redrive policy says.
    std::map<std::string, std::string> dead_letter_queues{};
    /// Where jobs wait that the store cannot delay for so long: the URL of a store of schedules, as
    /// of Scheduler. Whoever enqueues what is due there (`tranter timers`, a Scheduler) hands them
    /// over at their time. Such a job can be found, cancelled, promoted and listed while it waits.
    /// Not `memory:`. Empty: they are refused with `unsupported`.
    std::string schedule_store{};
};

/// Opens a store by its URL:
///
///     memory:                          in this process, empty at its start
///     file:/var/lib/tranter            a data directory, for one process at a time
///     http://127.0.0.1:9325            the Jobs API of a Tranter server
///     sqs:https://sqs.eu-west-1.amazonaws.com/123456789012   an SQS endpoint and account; queues
///                                      are named by the calls. With a queue name behind it, only
///                                      that queue
///     postgres://user@host/database    a database of PostgreSQL; its tables stand in the schema
///                                      "tranter", and are made when it is opened
///
/// `invalid_argument` for a URL that is none of these, `unavailable` or `unauthenticated` when the
/// store cannot be opened; an http: or sqs: store need not answer yet.
[[nodiscard]] Result<std::shared_ptr<Provider>> open_provider(
    std::string_view url, const ProviderOptions& options = {}
);

}  // namespace tranter
