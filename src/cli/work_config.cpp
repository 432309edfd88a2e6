#include "cli/work_config.hpp"

#include "base/duration.hpp"
#include "cli/config_file.hpp"
#include "cli/config_rules.hpp"
#include "cli/job_session.hpp"
#include "cli/log_flags.hpp"
#include "cli/worker_queues.hpp"
#include "storage/machine.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::string_view default_queue = "default";

Result<> apply_durations(const Arguments& arguments, WorkerConfig& worker) {
    const auto lease = arguments.duration("lease");
    if (!lease) return std::unexpected(lease.error());
    if (*lease && (**lease < std::chrono::seconds(1) || **lease > std::chrono::hours(12))) {
        return fail(
            Errc::invalid_argument,
            fmt::format("--lease: is {}, it must be 1s to 12h", format_duration(**lease))
        );
    }
    if (*lease) worker.lease = **lease;
    const auto shutdown = arguments.duration("shutdown-timeout");
    if (!shutdown) return std::unexpected(shutdown.error());
    if (*shutdown && **shutdown > std::chrono::hours(1)) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "--shutdown-timeout: is {}, it must be 0s to 1h", format_duration(**shutdown)
            )
        );
    }
    if (*shutdown) worker.shutdown_timeout = **shutdown;
    return {};
}

Result<> apply_queue_flags(const Arguments& arguments, WorkerConfig& worker) {
    if (arguments.has("queue")) worker.queues.clear();
    for (const std::string& text : arguments.list("queue")) {
        auto queue = parse_worker_queue(text);
        if (!queue) return fail(Errc::invalid_argument, "--queue " + queue.error().message());
        worker.queues.push_back(std::move(*queue));
    }
    if (const auto order = arguments.find("queue-order")) {
        worker.queue_order = *order == "strict" ? QueueOrder::strict : QueueOrder::weighted;
    }
    return {};
}

Result<> apply_work_flags(const Arguments& arguments, ServerConfig& config) {
    WorkerConfig& worker = config.worker;
    if (const auto url = arguments.find("provider")) config.provider = *url;
    if (auto applied = apply_queue_flags(arguments, worker); !applied) return applied;
    const auto concurrency = arguments.integer("concurrency", {.min = 1, .max = 10'000});
    if (!concurrency) return std::unexpected(concurrency.error());
    if (*concurrency) worker.concurrency = static_cast<std::uint32_t>(**concurrency);
    if (const auto name = arguments.find("name")) worker.name = *name;
    if (const auto text = arguments.find("health")) {
        const auto endpoint = parse_endpoint(*text);
        if (!endpoint)
            return fail(Errc::invalid_argument, "--health: " + endpoint.error().message());
        config.worker_health = *endpoint;
        config.worker_health_enabled = true;
    }
    if (auto applied = apply_durations(arguments, worker); !applied) return applied;
    return apply_log_flags(arguments.find("log-format"), arguments.find("log-level"), config.log);
}

Result<> complete(WorkConfig& work) {
    ServerConfig& config = work.config;
    if (const auto problem = find_worker_problem(config)) {
        return fail(
            Errc::invalid_argument, fmt::format("{}: {}", format_path(problem->path), problem->text)
        );
    }
    if (config.handlers.empty()) {
        return fail(
            Errc::invalid_argument,
            "there is no handler, name a file with --config that has [handlers.\"TYPE\"] tables"
        );
    }
    if (config.provider.empty()) config.provider = default_provider;
    if (config.worker.queues.empty()) config.worker.queues.emplace_back(std::string(default_queue));
    work.concurrency =
        config.worker.concurrency > 0 ? config.worker.concurrency : storage::usable_cores();
    return {};
}

}  // namespace

std::vector<Option> work_options() {
    return {
        {.name = "config",
         .value = "FILE",
         .help = "tranter.toml with the handlers",
         .completes = Completes::files},
        provider_option(),
        {.name = "queue",
         .value = "NAME[:WEIGHT]",
         .help = "a queue to work for (default: default)",
         .letter = 'q',
         .repeated = true},
        {.name = "queue-order",
         .value = "ORDER",
         .help = "shares by weight, or only what queues before leave (default: weighted)",
         .choices = {"weighted", "strict"}},
        {.name = "concurrency",
         .value = "N",
         .help = "handlers that run at a time (default: one per core)",
         .letter = 'c'},
        {.name = "lease",
         .value = "DURATION",
         .help = "how long a job stays with a worker that gives no sign of life (default: 30s)"},
        {.name = "shutdown-timeout",
         .value = "DURATION",
         .help = "how long running jobs may go on after SIGTERM (default: 30s)"},
        {.name = "health",
         .value = "ADDR:PORT",
         .help = "where health and metrics listen (default: 127.0.0.1:3003, or any free port when "
                 "that is taken)"},
        {.name = "name", .value = "NAME", .help = "shown with the jobs it has (default: HOST:PID)"},
        log_format_option(),
        log_level_option(),
        {.name = "ready-fd",
         .value = "N",
         .help = "write a line to this file descriptor once the worker receives jobs"},
    };
}

Result<WorkConfig> load_work_config(
    const Arguments& arguments, const std::vector<std::string>& environment
) {
    WorkConfig work;
    if (const auto file = arguments.find("config")) {
        auto read = load_config(*file, process_environment());
        if (!read) return std::unexpected(read.error());
        work.config = std::move(read->config);
    }
    auto bindings = apply_deployment_variables(work.config, environment);
    if (!bindings) return std::unexpected(bindings.error());
    work.bindings = std::move(*bindings);
    if (auto applied = apply_environment(work.config, environment); !applied) {
        return std::unexpected(applied.error());
    }
    if (auto applied = apply_work_flags(arguments, work.config); !applied) {
        return std::unexpected(applied.error());
    }
    if (auto completed = complete(work); !completed) return std::unexpected(completed.error());
    return work;
}

}  // namespace tranter::cli
