#pragma once

#include "admin/jobs_once.hpp"
#include "admin/jobs_route.hpp"
#include "admin/jobs_streams.hpp"
#include "admin/work_pool.hpp"
#include "http/server.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::admin {

/// Gets the answer of the store, from any thread.
using EnqueueEnd = std::move_only_function<void(const Result<std::vector<Enqueued>>&)>;

struct JobsApiOptions {
    std::string version{};
    std::size_t threads = 4;          // for calls that block
    std::size_t waiting_max = 1'000;  // of them; more are answered 503
    /// Calls at a time that wait for jobs, and as many that wait for the end of one, each of which
    /// takes a thread of a store that has no AsyncProvider; more are answered 503.
    std::size_t long_polls_max = 512;
    JobStreamOptions streams{};
    SchedulesApi* schedules = nullptr;  // outlives it; null: there are none
    /// Sees jobs whose body says no trace before they are enqueued, and may change it; empty:
    /// nobody does. Called on an I/O thread, so it must not block. What it returns may be empty.
    std::function<EnqueueEnd(std::string_view queue, std::span<NewJob> jobs)> on_enqueue{};
};

/// The Jobs API: a store of jobs over HTTP, as /v1/openapi.json describes it. Enqueue, receive,
/// settle and waiting go through the store's AsyncProvider on the I/O thread, if it has one, and
/// the rest through a few threads. Errors are application/problem+json.
///
/// A job that was received and could not be sent to the client is taken back at once.
class JobsApi {
  public:
    /// The provider outlives it; the server that calls handle() has stopped before it is destroyed.
    JobsApi(JobsApiOptions options, Provider& provider);
    ~JobsApi();
    JobsApi(const JobsApi&) = delete;
    JobsApi& operator=(const JobsApi&) = delete;

    static bool owns(std::string_view path) { return path == "/v1" || path.starts_with("/v1/"); }

    /// Those who wait for jobs, or for the end of one, get their answer soon, and so does everybody
    /// who comes later. Only of a store without an AsyncProvider, which ends them itself.
    void end_waits() { ending_.request_stop(); }

    /// Whoever asks has been let in. Thread-safe, does not block.
    void handle(const http::Request& request, http::Exchange exchange);

    // The calls, for the table of routes.
    void start_enqueue(JobCall&& call, std::string_view body, http::Exchange exchange);
    void start_receive(JobCall&& call, std::string_view body, http::Exchange exchange);
    void start_settle(JobCall&& call, std::string_view body, http::Exchange exchange);
    void start_settle_one(JobCall&& call, std::string_view body, http::Exchange exchange);
    void start_wait(JobCall&& call, std::string_view body, http::Exchange exchange);
    void open_events(JobCall&& call, std::string_view body, http::Exchange exchange);

    http::Response extend(const JobCall& call);
    http::Response set_progress(const JobCall& call);
    http::Response append_log(const JobCall& call);
    http::Response save_step(const JobCall& call);
    http::Response list(const JobCall& call);
    http::Response find(const JobCall& call);
    http::Response log(const JobCall& call);
    http::Response cancel(const JobCall& call);
    http::Response retry(const JobCall& call);
    http::Response promote(const JobCall& call);
    http::Response remove(const JobCall& call);
    http::Response workers(const JobCall& call);
    http::Response queues(const JobCall& call);
    http::Response stats(const JobCall& call);
    http::Response pause(const JobCall& call);
    http::Response resume(const JobCall& call);
    http::Response set_limits(const JobCall& call);
    http::Response info(const JobCall& call);
    http::Response openapi(const JobCall& call);

  private:
    /// Calls `done` with what `work` returns on a thread of `pool`, or with `unavailable` at once.
    template <class Done, class Work>
    static void on(WorkPool& pool, Done done, Work work);
    EnqueueEnd begin_trace(const JobCall& call, std::span<NewJob> jobs) const;
    void handle_scheduling(JobCall&& call, http::Exchange exchange);
    void settle_all(
        std::string_view queue,
        std::vector<Settlement> settlements,
        AsyncProvider::Done<std::vector<Result<>>> done
    );
    void take_back(std::string_view queue, std::vector<std::string> receipts);
    void answer_unfinished(const std::string& id, http::Exchange exchange);
    void wait_on_a_thread(const std::string& id, Milliseconds timeout, http::Exchange exchange);
    http::Response set_paused(const JobCall& call, bool paused);

    const JobsApiOptions options_;
    Provider& provider_;
    AsyncProvider* const async_;
    IdempotentRequests once_;
    IdempotentRequests settled_once_;  // clients ask again at once, or not at all
    JobStreams streams_;
    std::stop_source ending_{};
    WorkPool pool_;  // these are last, as their threads use the rest
    // Apart, so that nobody has to wait for those who wait.
    WorkPool long_polls_;
    WorkPool waits_for_ends_;
};

}  // namespace tranter::admin
