#include "providers/broker_provider.hpp"

#include "base/log_text.hpp"
#include "providers/broker_answer.hpp"
#include "providers/broker_calls.hpp"

#include <fmt/format.h>

#include <random>
#include <utility>

namespace tranter::providers {
namespace {

Capabilities capabilities_with(const JobHistory* history, bool virtual_time) {
    return {
        .look_up = true,
        .list = true,
        .history = history != nullptr,
        .priorities = true,
        .groups = true,
        .dedup = true,
        .ttl = true,
        .cancel_running = true,
        .progress = true,
        .steps = true,
        .pause = true,
        .limits = true,
        .events = true,
        .workers = true,
        .atomic_batch = true,
        .virtual_time = virtual_time};
}

std::uint64_t chosen_seed(std::uint64_t seed) {
    if (seed != 0) return seed;
    std::random_device kernel;
    return std::uint64_t{kernel()} << 32 | kernel();
}

/// A settled change as `then` makes it.
Result<> nothing_of(Result<bool> done) {
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
}

Result<> wait_durable(BrokerParts& parts, broker::Position position) {
    if (parts.broker.journal().is_durable(position)) return {};
    Answer<bool> answer;
    when_durable(parts.broker, position, [&parts, done = answer.done()](bool durable) mutable {
        if (!durable) return done(std::unexpected(not_durable(parts)));
        done(true);
    });
    return nothing_of(answer.get());
}

}  // namespace

BrokerProvider::BrokerProvider(
    broker::Broker& broker, JobHistory* history, const BrokerProviderOptions& options
)
    : name_(options.name),
      capabilities_(capabilities_with(history, options.virtual_time)),
      parts_(std::make_unique<BrokerParts>(broker, history, chosen_seed(options.seed))) {
    broker.on_ended([parts = parts_.get()](
                        const broker::QueueHandle& queue,
                        std::vector<broker::Broker::Ending> endings
                    ) { tell_endings(*parts, queue, std::move(endings)); });
}

BrokerProvider::~BrokerProvider() {
    BrokerProvider::close();
    parts_->broker.on_ended({});
}

Result<std::vector<Enqueued>> BrokerProvider::enqueue(
    std::string_view queue, std::span<const NewJob> jobs
) {
    Answer<std::vector<Enqueued>> answer;
    enqueue_jobs(*parts_, queue, jobs, answer.done());
    return answer.get();
}

Result<std::vector<ReceivedJob>> BrokerProvider::receive(const ReceiveRequest& request) {
    Answer<std::vector<ReceivedJob>> answer;
    EndWait end = receive_jobs(*parts_, request, answer.done());
    if (request.wait.count() > 0) {
        answer.wait_for(request.wait, {request.stop, closing_.get_token()});
        end();
    }
    return answer.get();
}

Result<std::vector<Result<>>> BrokerProvider::settle(
    std::string_view queue, std::span<const Settlement> settlements
) {
    Answer<std::vector<Result<>>> answer;
    settle_jobs(*parts_, queue, settlements, answer.done());
    return answer.get();
}

Result<std::vector<Result<Extended>>> BrokerProvider::extend(
    std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
) {
    Answer<std::vector<Result<Extended>>> answer;
    extend_leases(*parts_, queue, receipts, lease, answer.done());
    return answer.get();
}

Result<> BrokerProvider::set_progress(
    std::string_view queue, std::string_view receipt, std::string_view json
) {
    return set_job_progress(*parts_, queue, receipt, json);
}

Result<> BrokerProvider::append_log(
    std::string_view queue, std::string_view receipt, std::span<const std::string> lines
) {
    return append_job_log(*parts_, queue, receipt, lines);
}

Result<> BrokerProvider::save_step(
    std::string_view queue, std::string_view receipt, const Step& step
) {
    Answer<bool> answer;
    save_job_step(*parts_, queue, receipt, step, answer.done());
    return nothing_of(answer.get());
}

Result<JobRecord> BrokerProvider::find(std::string_view id) {
    return find_job(*parts_, id);
}

Result<LogPage> BrokerProvider::log_of(std::string_view id) {
    return find_log(*parts_, id);
}

Result<JobPage> BrokerProvider::list(const ListRequest& request) {
    return list_jobs(*parts_, request);
}

Result<Cancelled> BrokerProvider::cancel(std::string_view id) {
    Answer<Cancelled> answer;
    cancel_job(*parts_, id, answer.done());
    return answer.get();
}

Result<> BrokerProvider::retry(std::string_view id) {
    Answer<bool> answer;
    retry_job(*parts_, id, answer.done());
    return nothing_of(answer.get());
}

Result<> BrokerProvider::promote(std::string_view id) {
    Answer<bool> answer;
    promote_job(*parts_, id, answer.done());
    return nothing_of(answer.get());
}

Result<> BrokerProvider::remove(std::string_view id) {
    const auto taken = take_out_finished(*parts_, id);
    if (!taken) return std::unexpected(taken.error());
    // Whatever is on its way into the history is told by then.
    Result<> done = wait_durable(*parts_, *taken);
    if (done) done = forget_finished(*parts_, id);
    end_removal(*parts_, id);
    return done;
}

Result<JobRecord> BrokerProvider::wait(std::string_view id, Milliseconds timeout) {
    Answer<std::optional<JobRecord>> answer;
    EndWait end = wait_for_job(*parts_, id, answer.done());
    answer.wait_for(timeout, {});
    end();
    auto record = answer.get();
    if (!record) return std::unexpected(std::move(record.error()));
    if (*record) return std::move(**record);
    return fail(
        Errc::timed_out, fmt::format("job {} did not finish within {}ms", id, timeout.count())
    );
}

Result<std::vector<QueueStats>> BrokerProvider::queues() {
    if (auto open = check_open(*parts_); !open) return std::unexpected(open.error());
    std::vector<QueueStats> all;
    for (const broker::QueueHandle& queue : parts_->queues.all())
        all.push_back(parts_->queues.stats(*parts_->queues.of(queue)));
    return all;
}

Result<QueueStats> BrokerProvider::stats(std::string_view name) {
    if (auto open = check_open(*parts_); !open) return std::unexpected(open.error());
    const auto queue = parts_->queues.get(name);
    if (!queue) return std::unexpected(queue.error());
    return parts_->queues.stats(**queue);
}

Result<std::vector<WorkerInfo>> BrokerProvider::workers() {
    return list_workers(*parts_);
}

Result<> BrokerProvider::set_paused(std::string_view name, bool paused) {
    if (auto open = check_open(*parts_); !open) return open;
    const auto queue = parts_->queues.get_or_make(name);
    if (!queue) return std::unexpected(queue.error());
    const auto position = parts_->queues.set_paused(**queue, paused);
    if (!position) return std::unexpected(position.error());
    return wait_durable(*parts_, *position);
}

Result<> BrokerProvider::set_limits(std::string_view name, const QueueLimits& limits) {
    if (auto open = check_open(*parts_); !open) return open;
    const auto queue = parts_->queues.get_or_make(name);
    if (!queue) return std::unexpected(queue.error());
    const auto position = parts_->queues.set_limits(**queue, limits);
    if (!position) return std::unexpected(position.error());
    return wait_durable(*parts_, *position);
}

Result<std::shared_ptr<void>> BrokerProvider::subscribe(Listener listener) {
    if (auto open = check_open(*parts_); !open) return std::unexpected(open.error());
    return parts_->events.subscribe(std::move(listener));
}

std::vector<JobQueueMetrics> BrokerProvider::metrics() const {
    return parts_->queues.metrics();
}

void BrokerProvider::close() {
    parts_->closed.store(true);
    closing_.request_stop();
    parts_->waits.close();
}

void BrokerProvider::enqueue(
    std::string_view queue, std::vector<NewJob> jobs, Done<std::vector<Enqueued>> done
) {
    enqueue_jobs(*parts_, queue, jobs, std::move(done));
}

std::move_only_function<void()> BrokerProvider::receive(
    const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
) {
    return receive_jobs(*parts_, request, std::move(done));
}

void BrokerProvider::settle(
    std::string_view queue, std::vector<Settlement> settlements, Done<std::vector<Result<>>> done
) {
    settle_jobs(*parts_, queue, settlements, std::move(done));
}

void BrokerProvider::take_back(std::string_view queue, std::vector<std::string> receipts) {
    take_back_jobs(*parts_, queue, receipts);
}

std::move_only_function<void()> BrokerProvider::wait(
    std::string_view id, Done<std::optional<JobRecord>> done
) {
    return wait_for_job(*parts_, id, std::move(done));
}

}  // namespace tranter::providers
