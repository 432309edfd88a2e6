#pragma once

#include <tranter/enqueue.hpp>
#include <tranter/exception.hpp>
#include <tranter/job.hpp>
#include <tranter/payload.hpp>
#include <tranter/provider.hpp>

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// All that a program needs that enqueues jobs and looks after them:
///
///     tranter::Client client{"file:/var/lib/mail"};
///     const auto job = client.enqueue(SendWelcome{.user_id = 42}, {.delay = 5min});
///     if (!job) return complain(job.error().message());
namespace tranter {

/// The result of a completed job. `conflict` when it ended in another way, with the reason.
template <class T>
[[nodiscard]] Result<T> result_of(const JobRecord& job);

/// A job that was enqueued. Copies are cheap; each keeps the store open.
class JobHandle {
  public:
    JobHandle(std::shared_ptr<Provider> provider, Enqueued enqueued)
        : provider_(std::move(provider)), enqueued_(std::move(enqueued)) {}

    const std::string& id() const { return enqueued_.id; }
    /// De-duplicated: the id again of the job that was there already. Else empty.
    const std::string& duplicate_of() const { return enqueued_.duplicate_of; }

    [[nodiscard]] Result<JobRecord> find() const;
    /// The job once it is finished, however it ended; `timed_out`.
    [[nodiscard]] Result<JobRecord> wait_for(Milliseconds timeout) const;
    /// Waits, and reads what the handler returned; see result_of().
    template <class T>
    [[nodiscard]] Result<T> result(Milliseconds timeout) const {
        auto job = wait_for(timeout);
        if (!job) return std::unexpected(std::move(job.error()));
        return result_of<T>(*job);
    }

  private:
    std::shared_ptr<Provider> provider_;
    Enqueued enqueued_;
};

/// A store of jobs, opened by its URL (see open_provider). Every call may be made from any thread
/// and blocks until the change is as durable as the store promises. Copies share the store, which
/// stays open while one of them, a handle or a worker is there.
///
/// Errors are those of Provider. Whatever a store cannot do is refused with `unsupported` before
/// anything is sent.
class Client {
  public:
    /// Throws Exception: `invalid_argument` for a wrong URL, `unavailable` when it cannot be
    /// opened.
    explicit Client(std::string_view url, const ProviderOptions& options = {})
        : Client(or_throw(open_provider(url, options))) {}
    explicit Client(std::shared_ptr<Provider> provider);

    /// The same without an exception.
    [[nodiscard]] static Result<Client> open(
        std::string_view url, const ProviderOptions& options = {}
    ) {
        auto provider = open_provider(url, options);
        if (!provider) return std::unexpected(std::move(provider.error()));
        return Client(std::move(*provider));
    }

    /// `invalid_argument` says which option is wrong and what would be right.
    template <Job J>
    [[nodiscard]] Result<JobHandle> enqueue(const J& job, const EnqueueOptions& options = {})
        const {
        auto request = make_request(job, options);
        if (!request) return std::unexpected(std::move(request.error()));
        return send_one(std::move(*request));
    }
    [[nodiscard]] Result<JobHandle> enqueue(JobRequest request) const;

    /// A vector, array or span of jobs, with the same options; answers are in order. All or none
    /// where the store can (Capabilities::atomic_batch).
    template <class Jobs>
        requires Job<typename Jobs::value_type>
    [[nodiscard]] Result<std::vector<JobHandle>> enqueue_all(
        const Jobs& jobs, const EnqueueOptions& options = {}
    ) const {
        if (!options.id.empty() && jobs.size() > 1) {
            return fail(Errc::invalid_argument, "id is set, but it can only be that of one job");
        }
        std::vector<JobRequest> requests;
        requests.reserve(jobs.size());
        for (const auto& job : jobs) {
            auto request = make_request(job, options);
            if (!request) return std::unexpected(std::move(request.error()));
            requests.push_back(std::move(*request));
        }
        return send_all(std::move(requests));
    }
    template <Job J>
    [[nodiscard]] Result<std::vector<JobHandle>> enqueue_all(
        std::initializer_list<J> jobs, const EnqueueOptions& options = {}
    ) const {
        return enqueue_all(std::span<const J>(jobs.begin(), jobs.size()), options);
    }
    /// Of any types, for any queues; all or none for each queue.
    [[nodiscard]] Result<std::vector<JobHandle>> enqueue_all(std::vector<JobRequest> requests
    ) const;

    /// Adds a layer inside of those that are there. Not while others enqueue with this client.
    void use(EnqueueMiddleware layer);

    /// A handle to a job that was enqueued earlier; does not look whether it is there.
    JobHandle job(std::string id) const;
    [[nodiscard]] Result<JobRecord> find(std::string_view id) const;
    [[nodiscard]] Result<LogPage> log_of(std::string_view id) const;
    [[nodiscard]] Result<JobPage> list(const ListRequest& request = {}) const;
    [[nodiscard]] Result<Cancelled> cancel(std::string_view id) const;
    [[nodiscard]] Result<> retry(std::string_view id) const;
    [[nodiscard]] Result<> promote(std::string_view id) const;
    [[nodiscard]] Result<JobRecord> wait(std::string_view id, Milliseconds timeout) const;

    [[nodiscard]] Result<std::vector<QueueStats>> queues() const;
    [[nodiscard]] Result<QueueStats> stats(std::string_view queue) const;
    [[nodiscard]] Result<> pause(std::string_view queue) const;
    [[nodiscard]] Result<> resume(std::string_view queue) const;
    [[nodiscard]] Result<> set_limits(std::string_view queue, const QueueLimits& limits) const;

    /// For assertions in tests: the jobs of this type, in all queues, that wait for their first
    /// attempt, in order of queue and age.
    template <Job J>
    [[nodiscard]] Result<std::vector<J>> enqueued() const {
        const auto payloads = waiting_payloads(job_kind<J>());
        if (!payloads) return std::unexpected(payloads.error());
        std::vector<J> out;
        out.reserve(payloads->size());
        for (const std::string& payload : *payloads) {
            auto job = from_json<J>(payload);
            if (!job) return std::unexpected(std::move(job.error()));
            out.push_back(std::move(*job));
        }
        return out;
    }

    const std::shared_ptr<Provider>& provider() const { return provider_; }

  private:
    // The payloads are known to be JSON.
    Result<JobHandle> send_one(JobRequest request) const;
    Result<std::vector<JobHandle>> send_all(std::vector<JobRequest> requests) const;
    Result<std::vector<std::string>> waiting_payloads(std::string_view type) const;

    std::shared_ptr<Provider> provider_;
    std::vector<EnqueueMiddleware> layers_;  // the outermost first
};

namespace detail {

/// Nothing when it is completed.
[[nodiscard]] Result<> check_completed(const JobRecord& job);

}  // namespace detail

template <class T>
Result<T> result_of(const JobRecord& job) {
    if (auto completed = detail::check_completed(job); !completed) {
        return std::unexpected(std::move(completed.error()));
    }
    return from_json<T>(job.result.empty() ? "null" : std::string_view(job.result));
}

}  // namespace tranter
