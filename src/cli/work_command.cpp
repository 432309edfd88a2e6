#include "cli/work_command.hpp"

#include "admin/worker_service.hpp"
#include "base/log.hpp"
#include "base/stop.hpp"
#include "cli/config_file.hpp"
#include "cli/ready_notice.hpp"
#include "cli/work_config.hpp"
#include "cli/work_handlers.hpp"
#include "http/server.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <utility>

namespace tranter::cli {
namespace {

constexpr Duration health_grace = std::chrono::seconds(1);

WorkerOptions worker_options(const WorkConfig& work) {
    const WorkerConfig& worker = work.config.worker;
    WorkerOptions options;
    options.queues = worker.queues;
    options.concurrency = work.concurrency;
    options.lease = std::chrono::ceil<Milliseconds>(worker.lease);
    options.name = worker.name;
    options.shutdown_timeout = std::chrono::ceil<Milliseconds>(worker.shutdown_timeout);
    options.poll_wait = std::chrono::ceil<Milliseconds>(worker.poll_wait);
    options.batch_max = worker.batch;
    return options;
}

/// The health of a worker on a port of its own.
class HealthServer {
  public:
    HealthServer(const WorkConfig& work, const Worker& worker)
        : service_(
              {.version = TRANTER_VERSION,
               .worker = worker.name(),
               .concurrency = work.concurrency,
               .figures =
                   [&worker] {
                       return worker.figures();
                   }},
              SteadyClock::wall_clock()
          ) {
        if (!work.config.worker_health_enabled) return;
        const Endpoint& endpoint = work.config.worker_health;
        http::ServerOptions options;
        options.address = endpoint.host;
        options.port = endpoint.port;
        server_ = std::make_unique<http::Server>(
            std::move(options),
            [this](const http::Request& request, http::Exchange exchange) {
                service_.handle(request, std::move(exchange));
            }
        );
        server_->start();
    }
    ~HealthServer() {
        if (server_) server_->stop(health_grace);
    }
    HealthServer(const HealthServer&) = delete;
    HealthServer& operator=(const HealthServer&) = delete;

    void set_draining() { service_.set_draining(); }
    std::string address(const Endpoint& endpoint) const {
        if (!server_) return "off";
        Endpoint listening = endpoint;
        listening.port = server_->port();
        return format_endpoint(listening);
    }

  private:
    admin::WorkerService service_;
    std::unique_ptr<http::Server> server_;
};

/// A limit for groups holds in all workers, so it is the queue's.
Result<> limit_groups(const WorkConfig& work, Provider& provider) {
    const std::uint32_t limit = work.config.worker.group_concurrency;
    if (limit == 0) return {};
    for (const std::string& queue : work.config.worker.queues) {
        QueueLimits limits;
        if (const auto stats = provider.stats(queue)) {
            limits = stats->limits;
        } else if (stats.error().code() != Errc::not_found) {
            return std::unexpected(stats.error());
        }
        if (limits.max_in_flight_per_group == limit) continue;
        limits.max_in_flight_per_group = limit;
        if (auto set = provider.set_limits(queue, limits); !set) {
            return fail(
                set.error().code(),
                fmt::format("worker.group_concurrency: {}", set.error().message())
            );
        }
    }
    return {};
}

Result<int> run_work(const Arguments& arguments) {
    auto work = load_work_config(arguments, environment_variables());
    if (!work) return std::unexpected(work.error());
    const auto ready_fd = arguments.integer("ready-fd", {.min = 0, .max = 1'048'576});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    start_logging(work->config.log);
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();

    auto provider = open_provider(
        work->config.provider, {.dead_letter_queues = work->bindings.dead_letter_queues}
    );
    if (!provider) return std::unexpected(provider.error());
    if (auto limited = limit_groups(*work, **provider); !limited) {
        return std::unexpected(limited.error());
    }
    Worker worker(
        Client(*provider),
        make_registry(work->config, work->concurrency, process_environment()),
        worker_options(*work)
    );
    HealthServer health(*work, worker);
    worker.start();
    const std::string listening = health.address(work->config.worker_health);
    log_info(
        "worker",
        "working",
        {{"worker", worker.name()},
         {"queues", fmt::format("{}", fmt::join(work->config.worker.queues, ","))},
         {"concurrency", work->concurrency},
         {"health", listening}}
    );
    std::optional<int> notice;
    if (*ready_fd) notice = static_cast<int>(**ready_fd);
    announce_ready(notice, fmt::format("READY health={}\n", listening));
    wait_for_stop(stop);
    health.set_draining();
    announce_stopping();
    log_info("worker", "stopping", {{"running", worker.figures().running}});
    worker.stop();
    log_info("worker", "stopped");
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
