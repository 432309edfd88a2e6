#include "admin/jobs_api.hpp"

#include "admin/jobs_checks.hpp"
#include "admin/jobs_reply.hpp"
#include "admin/schedules_api.hpp"
#include "base/stop.hpp"
#include "jobs/trace_context.hpp"
#include "jobs/wire_json.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

// The calls that do not block.
namespace tranter::admin {
namespace {

/// A call that waits. `exchange` is taken by whoever answers; `end` is only touched on the
/// connection's own thread, where the handler and the hooks run.
struct Waiting {
    explicit Waiting(http::Exchange given) : exchange(std::move(given)) {}

    http::Exchange exchange;
    std::move_only_function<void()> end{};
};

/// Ends it when the client leaves and when its time is over. The connection drops the hooks with
/// the answer, and with them its share of the object.
void watch(const std::shared_ptr<Waiting>& waiting, Milliseconds timeout) {
    const auto end = [waiting] {
        if (waiting->end) waiting->end();
    };
    waiting->exchange.on_disconnect(end);
    waiting->exchange.on_deadline(timeout, end);
}

constexpr IdempotentRequests::Bounds settled_bounds{
    .time = std::chrono::minutes(10), .answers = 50'000, .bytes = std::size_t{16} << 20};

// After which a thread that waits for the end of a job looks whether anybody still listens.
constexpr Milliseconds wait_piece = std::chrono::seconds(2);

// Of one answer; jobs that do not fit in stay in the queue.
constexpr std::size_t received_bytes_max = std::size_t{32} << 20;

/// How many from the front fit into an answer; one always does.
std::size_t fitting_jobs(std::span<const ReceivedJob> jobs) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < jobs.size()) {
        bytes += jobs[count].payload.size();
        for (const Step& step : jobs[count].steps)
            bytes += step.result.size();
        if (count > 0 && bytes > received_bytes_max) break;
        ++count;
    }
    return count;
}

std::vector<std::string> receipts_of(std::span<const ReceivedJob> jobs) {
    std::vector<std::string> receipts;
    for (const ReceivedJob& job : jobs)
        receipts.push_back(job.receipt);
    return receipts;
}

http::Response answer_job(const Result<JobRecord>& job, int status = 200) {
    return job ? json_reply(status, jobs::write_job_record(*job)) : problem_reply(job.error());
}

}  // namespace

JobsApi::JobsApi(JobsApiOptions options, Provider& provider)
    : options_(std::move(options)),
      provider_(provider),
      async_(provider.async()),
      settled_once_(settled_bounds),
      streams_(options_.streams, provider),
      pool_(options_.threads, options_.waiting_max),
      long_polls_(options_.long_polls_max, 0),
      waits_for_ends_(options_.long_polls_max, 0) {}

JobsApi::~JobsApi() = default;

void JobsApi::handle(const http::Request& request, http::Exchange exchange) {
    auto matched = match_route(request.method, request.path);
    if (!matched) {
        std::move(exchange).respond(std::move(matched.error()));
        return;
    }
    JobCall call = std::move(*matched);
    auto query = read_query(*call.route, request.query);
    if (!query) {
        std::move(exchange).respond(problem_reply(query.error()));
        return;
    }
    call.query = std::move(*query);
    if (call.route->request == nullptr && !is_blank_body(request.body)) {
        std::move(exchange).respond(
            problem_reply(Error(Errc::invalid_argument, "this call takes no body"))
        );
        return;
    }
    call.idempotency_key = request.header("idempotency-key").value_or("");
    if (auto checked = check_key(call.idempotency_key); !checked) {
        std::move(exchange).respond(problem_reply(checked.error()));
        return;
    }
    call.last_event_id = request.header("last-event-id").value_or("");
    call.traceparent = request.header(jobs::traceparent_name).value_or("");
    call.tracestate = request.header(jobs::tracestate_name).value_or("");
    if (call.route->direct != nullptr) {
        (this->*call.route->direct)(std::move(call), request.body, std::move(exchange));
        return;
    }
    call.body = request.body;
    if (call.route->scheduling != nullptr) {
        handle_scheduling(std::move(call), std::move(exchange));
        return;
    }
    on(
        pool_,
        [exchange = std::move(exchange)](Result<http::Response> response) mutable {
            std::move(exchange).respond(
                response ? std::move(*response) : problem_reply(response.error())
            );
        },
        [this, call = std::move(call)]() -> Result<http::Response> {
            return (this->*call.route->pooled)(call);
        }
    );
}

void JobsApi::handle_scheduling(JobCall&& call, http::Exchange exchange) {
    if (options_.schedules == nullptr) {
        std::move(exchange).respond(
            problem_reply(Error(Errc::unsupported, "this server has no schedules"))
        );
        return;
    }
    options_.schedules->handle(std::move(call), std::move(exchange));
}

template <class Done, class Work>
void JobsApi::on(WorkPool& pool, Done done, Work work) {
    auto shared = std::make_shared<Done>(std::move(done));
    WorkPool::Task task = [shared, work = std::move(work)]() mutable {
        (*shared)(work());
    };
    if (pool.submit(task)) return;
    (*shared)(fail(Errc::unavailable, "too many calls wait for the store; try again"));
}

/// Jobs that say their trace come from a client that has made a span for them.
EnqueueEnd JobsApi::begin_trace(const JobCall& call, std::span<NewJob> jobs) const {
    const bool said = std::ranges::any_of(jobs, [](const NewJob& job) {
        return !job.options.traceparent.empty();
    });
    for (NewJob& job : jobs)
        jobs::take_trace(job.options, call.traceparent, call.tracestate);
    if (said || !options_.on_enqueue) return {};
    return options_.on_enqueue(call.queue, jobs);
}

void JobsApi::start_enqueue(JobCall&& call, std::string_view body, http::Exchange exchange) {
    auto begun = begin_enqueue(call, body, once_, exchange);
    if (!begun) return;
    auto jobs = std::move(begun->jobs);
    EnqueueEnd ended = begin_trace(call, jobs);
    auto done = [this,
                 ended = std::move(ended),
                 begun = std::move(*begun),
                 exchange = std::move(exchange)](Result<std::vector<Enqueued>> enqueued) mutable {
        if (ended) ended(enqueued);
        http::Response response = begun.answer(std::move(enqueued));
        if (begun.once) once_.finish(*begun.once, response);
        std::move(exchange).respond(std::move(response));
    };
    if (async_ != nullptr) {
        async_->enqueue(call.queue, std::move(jobs), std::move(done));
        return;
    }
    on(pool_, std::move(done), [this, queue = std::move(call.queue), jobs = std::move(jobs)] {
        return provider_.enqueue(queue, jobs);
    });
}

void JobsApi::start_receive(JobCall&& call, std::string_view body, http::Exchange exchange) {
    auto request = read_receive(call, body);
    if (!request) {
        std::move(exchange).respond(problem_reply(request.error()));
        return;
    }
    auto waiting = std::make_shared<Waiting>(std::move(exchange));
    if (request->wait.count() != 0) watch(waiting, request->wait);
    auto done = [this, waiting, queue = call.queue](Result<std::vector<ReceivedJob>> jobs) {
        http::Exchange taken = std::move(waiting->exchange);
        if (!jobs) {
            std::move(taken).respond(problem_reply(jobs.error()));
            return;
        }
        const std::size_t count = fitting_jobs(*jobs);
        const auto given = std::span(*jobs).first(count);
        take_back(queue, receipts_of(std::span(*jobs).subspan(count)));
        std::move(taken).respond(
            json_reply(200, jobs::write_received_jobs(given)),
            [this, queue, receipts = receipts_of(given)](bool written) mutable {
                if (!written) take_back(queue, std::move(receipts));
            }
        );
    };
    if (async_ != nullptr) {
        waiting->end = async_->receive(*request, std::move(done));
        return;
    }
    std::stop_source stop;
    request->stop = stop.get_token();
    waiting->end = [stop]() mutable {
        stop.request_stop();
    };
    WorkPool& pool = request->wait.count() != 0 ? long_polls_ : pool_;
    on(pool, std::move(done), [this, request = std::move(*request)]() mutable {
        const EitherStop either(request.stop, ending_.get_token());
        request.stop = either.token();
        return provider_.receive(request);
    });
}

void JobsApi::take_back(std::string_view queue, std::vector<std::string> receipts) {
    if (receipts.empty()) return;
    if (async_ != nullptr) {
        async_->take_back(queue, std::move(receipts));
        return;
    }
    std::vector<Settlement> settlements;
    for (std::string& receipt : receipts)
        settlements.push_back({std::move(receipt), Released{}});
    settle_all(queue, std::move(settlements), [](const Result<std::vector<Result<>>>&) {});
}

void JobsApi::settle_all(
    std::string_view queue,
    std::vector<Settlement> settlements,
    AsyncProvider::Done<std::vector<Result<>>> done
) {
    if (async_ != nullptr) {
        async_->settle(queue, std::move(settlements), std::move(done));
        return;
    }
    on(pool_,
       std::move(done),
       [this, queue = std::string(queue), settlements = std::move(settlements)] {
           return provider_.settle(queue, settlements);
       });
}

void JobsApi::start_settle(JobCall&& call, std::string_view body, http::Exchange exchange) {
    auto settlements = read_settle(body);
    if (!settlements) {
        std::move(exchange).respond(problem_reply(settlements.error()));
        return;
    }
    std::optional<IdempotentRequests::Request> once;
    if (!call.idempotency_key.empty()) {
        once = IdempotentRequests::describe(call.queue, call.idempotency_key, body);
        if (!begin_once(*once, settled_once_, exchange)) return;
    }
    settle_all(
        call.queue,
        std::move(*settlements),
        [this,
         once = std::move(once),
         exchange = std::move(exchange)](Result<std::vector<Result<>>> results) mutable {
            http::Response response = results ? json_reply(200, jobs::write_results(*results))
                                              : problem_reply(results.error());
            if (once) settled_once_.finish(*once, response);
            std::move(exchange).respond(std::move(response));
        }
    );
}

void JobsApi::start_settle_one(JobCall&& call, std::string_view body, http::Exchange exchange) {
    auto settlement = jobs::read_settlement(action_of(*call.route), body);
    if (!settlement) {
        std::move(exchange).respond(problem_reply(settlement.error()));
        return;
    }
    std::vector<Settlement> settlements;
    settlements.push_back(std::move(*settlement));
    settle_all(
        call.queue,
        std::move(settlements),
        [exchange = std::move(exchange)](Result<std::vector<Result<>>> results) mutable {
            std::move(exchange).respond(answer_one(results));
        }
    );
}

void JobsApi::start_wait(JobCall&& call, std::string_view, http::Exchange exchange) {
    const auto timeout = read_wait(call);
    if (!timeout) {
        std::move(exchange).respond(problem_reply(timeout.error()));
        return;
    }
    if (async_ == nullptr) {
        wait_on_a_thread(call.id, *timeout, std::move(exchange));
        return;
    }
    auto waiting = std::make_shared<Waiting>(std::move(exchange));
    watch(waiting, *timeout);
    waiting->end =
        async_->wait(call.id, [this, waiting, id = call.id](Result<std::optional<JobRecord>> job) {
            if (job && !*job) {
                answer_unfinished(id, std::move(waiting->exchange));
                return;
            }
            std::move(waiting->exchange)
                .respond(
                    job ? json_reply(200, jobs::write_job_record(**job))
                        : problem_reply(job.error())
                );
        });
}

/// A call of a Provider cannot be ended, so it waits in pieces for as long as somebody listens.
void JobsApi::wait_on_a_thread(
    const std::string& id, Milliseconds timeout, http::Exchange exchange
) {
    const auto is_gone = std::make_shared<std::atomic<bool>>(false);
    auto waiting = std::make_shared<Waiting>(std::move(exchange));
    waiting->exchange.on_disconnect([is_gone] { *is_gone = true; });
    on(
        waits_for_ends_,
        [waiting](Result<http::Response> response) {
            std::move(waiting->exchange)
                .respond(response ? std::move(*response) : problem_reply(response.error()));
        },
        [this, id, timeout, is_gone]() -> Result<http::Response> {
            const auto end = std::chrono::steady_clock::now() + timeout;
            auto rest = timeout;
            while (true) {
                const auto job = provider_.wait(id, std::min(rest, wait_piece));
                const bool late = !job && job.error().code() == Errc::timed_out;
                if (!late) return answer_job(job);
                rest = std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
                if (rest.count() > 0 && !*is_gone && !ending_.stop_requested()) continue;
                return answer_job(provider_.find(id), 202);
            }
        }
    );
}

/// It waited in vain, or its client has gone.
void JobsApi::answer_unfinished(const std::string& id, http::Exchange exchange) {
    on(
        pool_,
        [exchange = std::move(exchange)](const Result<JobRecord>& job) mutable {
            std::move(exchange).respond(answer_job(job, 202));
        },
        [this, id] { return provider_.find(id); }
    );
}

void JobsApi::open_events(JobCall&& call, std::string_view, http::Exchange exchange) {
    if (!provider_.capabilities().events) {
        std::move(exchange).respond(problem_reply(
            Error(Errc::unsupported, std::string(provider_.name()) + " tells no changes of jobs")
        ));
        return;
    }
    streams_.open(std::move(call.query["queue"]), call.last_event_id, std::move(exchange));
}

}  // namespace tranter::admin
