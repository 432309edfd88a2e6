#include "cli/work_command.hpp"

#include "admin/worker_service.hpp"
#include "base/log.hpp"
#include "cli/config_file.hpp"
#include "cli/health_server.hpp"
#include "cli/known_secrets.hpp"
#include "cli/ready_notice.hpp"
#include "cli/role_ending.hpp"
#include "cli/store_wait.hpp"
#include "cli/work_config.hpp"
#include "cli/work_handlers.hpp"

#include <tranter/tracing.hpp>
#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <stop_token>
#include <utility>

namespace tranter::cli {
namespace {

std::string names_of(const std::vector<WorkerQueue>& queues) {
    std::vector<std::string_view> names;
    for (const WorkerQueue& queue : queues)
        names.push_back(queue.name);
    return fmt::format("{}", fmt::join(names, ","));
}

WorkerOptions worker_options(const WorkConfig& work, unsigned group_concurrency) {
    const WorkerConfig& worker = work.config.worker;
    WorkerOptions options;
    options.queues = worker.queues;
    options.queue_order = worker.queue_order;
    options.concurrency = work.concurrency;
    options.group_concurrency = group_concurrency;
    options.lease = std::chrono::ceil<Milliseconds>(worker.lease);
    options.name = worker.name;
    options.shutdown_timeout = std::chrono::ceil<Milliseconds>(worker.shutdown_timeout);
    options.stop_grace = std::chrono::ceil<Milliseconds>(handlers_stop_grace(work.config));
    options.poll_wait = std::chrono::ceil<Milliseconds>(worker.poll_wait);
    options.batch_max = worker.batch;
    return options;
}

admin::WorkerServiceOptions health_options(const Worker& worker, unsigned concurrency) {
    return {
        .version = TRANTER_VERSION,
        .worker = worker.name(),
        .concurrency = concurrency,
        .figures = [&worker] { return worker.figures(); },
        .metrics =
            [&worker] {
                return worker.metrics();
            }};
}

HealthServerOptions health_endpoint(const ServerConfig& config) {
    if (!config.worker_health_enabled) return {};
    // Several workers on one machine are as usual as one: `tranter scale worker +1`.
    const bool is_usual = config.worker_health == ServerConfig().worker_health;
    return {.endpoint = config.worker_health, .may_move = is_usual};
}

Result<> limit_groups_of(const std::string& queue, std::uint32_t limit, Provider& provider) {
    QueueLimits limits;
    if (const auto stats = provider.stats(queue)) {
        limits = stats->limits;
    } else if (stats.error().code() != Errc::not_found) {
        return std::unexpected(stats.error());
    }
    if (limits.max_in_flight_per_group == limit) return {};
    limits.max_in_flight_per_group = limit;
    return provider.set_limits(queue, limits);
}

/// A limit for groups holds in all workers, so it is the queue's. Where the provider has no such
/// limits, it is this worker's, and this is it.
unsigned own_group_limit(const WorkerConfig& worker, Provider& provider) {
    if (worker.group_concurrency == 0 || provider.capabilities().limits) return 0;
    log_warn(
        "worker",
        "the provider cannot limit groups in all workers, group_concurrency holds in this one",
        {{"provider", provider.name()}, {"group_concurrency", worker.group_concurrency}}
    );
    return worker.group_concurrency;
}

Result<> limit_groups(const WorkerConfig& worker, Provider& provider) {
    if (worker.group_concurrency == 0 || !provider.capabilities().limits) return {};
    for (const WorkerQueue& queue : worker.queues) {
        auto limited = limit_groups_of(queue.name, worker.group_concurrency, provider);
        if (limited) continue;
        return fail(
            limited.error().code(),
            fmt::format("worker.group_concurrency: {}", limited.error().message())
        );
    }
    return {};
}

Result<int> run_work(const Arguments& arguments) {
    auto work = load_work_config(arguments, environment_variables());
    if (!work) return std::unexpected(work.error());
    const auto ready_fd = arguments.integer("ready-fd", {.min = 0, .max = 1'048'576});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    hide_secrets(work->config, environment_variables());
    start_logging(work->config.log);
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();
    // What rotates logs sends it; ours is the error output, which stays open.
    std::signal(SIGUSR1, SIG_IGN);

    StoreWait wait(
        {.role = "worker",
         .up_metric = "tranter_worker_up",
         .health = health_endpoint(work->config)},
        stop
    );
    auto provider = wait.provider(
        "store",
        work->config.provider,
        {.create = false, .dead_letter_queues = work->bindings.dead_letter_queues}
    );
    if (!provider) return wait.ended_by(provider.error());
    // Nothing may be received before.
    const auto limited =
        wait.until_there("store", [&] { return limit_groups(work->config.worker, **provider); });
    if (!limited) return wait.ended_by(limited.error());
    Worker worker(
        Client(*provider),
        make_registry(work->config, work->concurrency, process_environment()),
        worker_options(*work, own_group_limit(work->config.worker, **provider))
    );
    const auto tracing = Tracing::from_environment();
    const auto traced = tracing ? tracing->trace(worker) : nullptr;
    auto told = health_options(worker, work->concurrency);
    if (tracing) {
        told.spans = [tracing] {
            return tracing->counts();
        };
    }
    admin::WorkerService service(std::move(told), SteadyClock::wall_clock());
    const HealthServer::Turn turn(wait.health(), service);
    const std::string listening = wait.health().address();
    log_info(
        "worker",
        "working",
        {{"worker", worker.name()},
         {"queues", names_of(work->config.worker.queues)},
         {"concurrency", work->concurrency},
         {"health", listening}}
    );
    std::optional<int> notice;
    if (*ready_fd) notice = static_cast<int>(**ready_fd);
    if (!stop.stop_requested()) announce_ready(notice, fmt::format("READY health={}\n", listening));
    std::atomic<std::chrono::steady_clock::time_point> stopping_since{
        std::chrono::steady_clock::now()};
    {
        const std::stop_callback stopping(stop, [&] {
            stopping_since = std::chrono::steady_clock::now();
            service.set_draining();
            announce_stopping();
            log_info("worker", "stopping", {{"running", worker.figures().running}});
        });
        if (!stop.stop_requested()) worker.run(stop);
    }
    const auto took = std::chrono::steady_clock::now() - stopping_since.load();
    log_info("worker", "stopped", {{"duration_ms", std::chrono::ceil<Milliseconds>(took).count()}});
    return 0;
}

}  // namespace

Command work_command() {
    return {
        .name = "work",
        .summary = "run a worker: receive jobs and run their handlers",
        .description =
            "Handlers are commands, long-lived child processes or HTTP endpoints, and stand in the "
            "file:\n\n"
            "    [handlers.\"email.welcome\"]\n"
            "    exec = [\"./send-welcome.sh\"]\n\n"
            "SIGTERM and SIGINT stop it: nothing more is received, jobs that have not begun go "
            "back, and\nrunning ones may go on for the shutdown timeout. A second signal stops it "
            "at once.",
        .options = work_options(),
        .examples =
            {{"jobs of a server on this machine",
              "tranter work --config tranter.toml --queue mail"},
             {"jobs in SQS",
              "tranter work --config tranter.toml --provider "
              "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012 --queue mail"}},
        .run = run_work,
    };
}

}  // namespace tranter::cli
