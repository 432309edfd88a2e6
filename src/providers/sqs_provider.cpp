#include "providers/sqs_provider.hpp"

#include "providers/sqs_connections.hpp"
#include "providers/sqs_enqueue.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_receive.hpp"
#include "providers/sqs_settle.hpp"
#include "providers/sqs_store.hpp"

#include <fmt/format.h>

#include <atomic>
#include <stop_token>
#include <utility>

namespace tranter::providers {

namespace {

constexpr Capabilities sqs_capabilities{
    .dedup_simple_fifo = true,
    .partial_batch = sqs_batch_max,
    .delay_max = sqs_delay_max,
    .fifo_delays = false,
    .free_returns = false,
};
constexpr Milliseconds sqs_lease_min = std::chrono::seconds(1);

std::unexpected<Error> sqs_cannot(std::string_view what, std::string_view why) {
    return fail(Errc::unsupported, fmt::format("the sqs: store cannot {}: {}", what, why));
}

constexpr std::string_view no_look_up = "SQS finds no message by its id";
constexpr std::string_view no_notes = "SQS keeps nothing about a message but the message";

Result<> check_lease(Milliseconds lease) {
    if (lease >= sqs_lease_min && lease <= sqs_visibility_max) return {};
    return fail(
        Errc::invalid_argument, fmt::format("lease is {}ms, expected 1s to 12h", lease.count())
    );
}

class SqsProvider final : public Provider {
  public:
    SqsProvider(SqsUrl url, std::unique_ptr<SqsEndpoint> endpoint, std::unique_ptr<Clock> clock)
        : store_(std::move(url), std::move(endpoint), std::move(clock)) {}

    std::string_view name() const override { return "sqs"; }
    const Capabilities& capabilities() const override { return sqs_capabilities; }

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        if (auto can = check_call(jobs.size()); !can) return std::unexpected(can.error());
        return enqueue_in_sqs(store_, queue, jobs);
    }
    std::vector<Result<Enqueued>> enqueue_each(std::string_view queue, std::span<const NewJob> jobs)
        override {
        const auto can = check_call(jobs.size());
        if (can) return enqueue_each_in_sqs(store_, queue, jobs);
        return {jobs.size(), Result<Enqueued>(std::unexpected(can.error()))};
    }

    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override {
        if (auto open = check_open(); !open) return std::unexpected(open.error());
        if (auto good = check_lease(request.lease); !good) return std::unexpected(good.error());
        if (request.jobs_max == 0) {
            return fail(Errc::invalid_argument, "jobs_max is 0, expected at least 1");
        }
        return receive_from_sqs(store_, request, closing_.get_token());
    }

    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override {
        if (auto open = check_open(); !open) return std::unexpected(open.error());
        return settle_in_sqs(store_, queue, settlements);
    }

    Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) override {
        if (auto open = check_open(); !open) return std::unexpected(open.error());
        if (auto good = check_lease(lease); !good) return std::unexpected(good.error());
        return extend_in_sqs(store_, queue, receipts, lease);
    }

    Result<> set_progress(std::string_view, std::string_view, std::string_view) override {
        return sqs_cannot("keep progress", no_notes);
    }
    Result<> append_log(std::string_view, std::string_view, std::span<const std::string>) override {
        return sqs_cannot("keep the log of a job", no_notes);
    }
    Result<> save_step(std::string_view, std::string_view, const Step&) override {
        return sqs_cannot("keep steps", no_notes);
    }

    Result<JobRecord> find(std::string_view) override {
        return sqs_cannot("find a job", no_look_up);
    }
    Result<LogPage> log_of(std::string_view) override {
        return sqs_cannot("show the log of a job", no_notes);
    }
    Result<JobPage> list(const ListRequest&) override {
        return sqs_cannot("list jobs", "SQS shows messages only to those that receive them");
    }
    Result<Cancelled> cancel(std::string_view) override {
        return sqs_cannot("cancel a job", no_look_up);
    }
    Result<> retry(std::string_view) override {
        return sqs_cannot(
            "retry a job by its id", "move the messages of the dead-letter queue back instead"
        );
    }
    Result<> promote(std::string_view) override { return sqs_cannot("promote a job", no_look_up); }
    Result<> remove(std::string_view) override { return sqs_cannot("remove a job", no_look_up); }
    Result<JobRecord> wait(std::string_view, Milliseconds) override {
        return sqs_cannot("wait for a job", no_look_up);
    }

    Result<std::vector<QueueStats>> queues() override {
        if (auto open = check_open(); !open) return std::unexpected(open.error());
        const auto names = store_.queues.names();
        if (!names) return std::unexpected(names.error());
        std::vector<QueueStats> all;
        for (const std::string& name : *names) {
            auto one = stats(name);
            if (one) {
                all.push_back(std::move(*one));
            } else if (one.error().code() != Errc::not_found) {  // else it was deleted meanwhile
                return std::unexpected(one.error());
            }
        }
        return all;
    }

    Result<QueueStats> stats(std::string_view queue) override {
        if (auto open = check_open(); !open) return std::unexpected(open.error());
        auto stats = store_.queues.stats(queue);
        if (!stats) return stats;
        const SqsCounters::Counts counts = store_.counters.of(stats->queue);
        stats->completed = counts.completed;
        stats->failed = counts.failed;
        stats->dead = counts.dead;
        stats->cancelled = counts.cancelled;
        return stats;
    }

    Result<std::vector<WorkerInfo>> workers() override {
        return sqs_cannot("list workers", "SQS does not know who receives its messages");
    }
    Result<> set_paused(std::string_view, bool) override {
        return sqs_cannot("pause a queue", "SQS hands out whatever is there, stop the workers");
    }
    Result<> set_limits(std::string_view, const QueueLimits&) override {
        return sqs_cannot("limit a queue", "SQS has no limits of its own, limit the workers");
    }
    Result<std::shared_ptr<void>> subscribe(Listener) override {
        return sqs_cannot("report changes", "SQS tells nobody what became of a message");
    }

    void close() override { closing_.request_stop(); }

  private:
    Result<> check_call(std::size_t jobs) const {
        if (auto open = check_open(); !open) return open;
        if (jobs <= sqs_capabilities.batch_max) return {};
        return fail(
            Errc::limit_exceeded,
            fmt::format("{} jobs in one call, limit is {}", jobs, sqs_capabilities.batch_max)
        );
    }
    Result<> check_open() const {
        if (!closing_.stop_requested()) return {};
        return fail(
            Errc::unavailable, fmt::format("the store {} is closed", store_.endpoint->name())
        );
    }

    SqsStore store_;
    std::stop_source closing_{};
};

}  // namespace

std::shared_ptr<Provider> make_sqs_provider(
    SqsUrl url, std::unique_ptr<SqsEndpoint> endpoint, std::unique_ptr<Clock> clock
) {
    return std::make_shared<SqsProvider>(std::move(url), std::move(endpoint), std::move(clock));
}

Result<std::shared_ptr<Provider>> make_sqs_provider(
    std::string_view url, const ProviderOptions& options
) {
    if (options.virtual_time) {
        return sqs_cannot("have virtual time", "that of SQS passes by itself");
    }
    auto parsed = parse_sqs_url(url);
    if (!parsed) return std::unexpected(parsed.error());
    parsed->dead_letter_queues.insert(
        options.dead_letter_queues.begin(), options.dead_letter_queues.end()
    );
    auto connections = SqsConnections::open(parsed->endpoint);
    if (!connections) return std::unexpected(connections.error());
    return make_sqs_provider(
        std::move(*parsed), std::move(*connections), std::make_unique<SteadyClock>()
    );
}

}  // namespace tranter::providers
