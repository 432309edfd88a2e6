#include "cli/work_handlers.hpp"

#include "handlers/child_handler.hpp"
#include "handlers/exec_handler.hpp"
#include "handlers/http_handler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace tranter::cli {
namespace {

Milliseconds to_milliseconds(Duration duration) {
    return std::chrono::ceil<Milliseconds>(duration);
}

/// A job that begins without a process for it waits with its clock running, in the place of one
/// that could run. One that does not begin costs nothing.
void keep_to_processes(
    const HandlerConfig& handler, unsigned concurrency, HandlerOptions& options
) {
    if (handler.processes == 0 || handler.processes >= concurrency) return;
    const auto keep_below = [](std::uint32_t& limit, std::uint32_t most) {
        limit = limit == 0 ? most : std::min(limit, most);
    };
    keep_below(options.max_parallel_runs, handler.processes);
    const std::uint32_t runs_at_a_time =
        std::clamp(options.runs, std::uint32_t{1}, options.max_parallel_runs);
    keep_below(options.concurrency, handler.processes / runs_at_a_time);
}

HandlerOptions options_of(
    const HandlerConfig& handler, const WorkerConfig& worker, unsigned concurrency
) {
    HandlerOptions options;
    if (handler.timeout.count() > 0) options.timeout = to_milliseconds(handler.timeout);
    if (handler.retry.max_attempts > 0) {
        options.retry = RetryPolicy{
            .max_attempts = handler.retry.max_attempts,
            .base = to_milliseconds(handler.retry.base),
            .factor = handler.retry.factor,
            .max = to_milliseconds(handler.retry.max),
            .jitter = handler.retry.jitter_percent / 100.0};
    }
    options.runs = handler.runs;
    options.max_parallel_runs = handler.max_parallel_runs;
    if (!handler.success.empty()) {
        options.success = or_throw(SuccessPolicy::from_text(handler.success));
    }
    options.concurrency = handler.concurrency;
    if (worker.max_parallel_runs > 0) {
        options.max_parallel_runs =
            handler.max_parallel_runs == 0
                ? worker.max_parallel_runs
                : std::min(handler.max_parallel_runs, worker.max_parallel_runs);
    }
    keep_to_processes(handler, concurrency, options);
    return options;
}

handlers::EnvironmentRules environment_of(const HandlerConfig& handler) {
    return {.pass = handler.pass_environment, .set = handler.environment};
}

process::ResourceLimits limits_of(const HandlerConfig& handler) {
    return {
        .memory_bytes = handler.limits.memory,
        .cpu_seconds = static_cast<std::uint64_t>(
            std::chrono::ceil<std::chrono::seconds>(handler.limits.cpu).count()
        ),
        .open_files = handler.limits.open_files,
        .processes = handler.limits.processes};
}

RunHandler make_exec(
    const HandlerConfig& handler,
    const Environment& env,
    const std::shared_ptr<handlers::OrphanWatch>& orphans
) {
    return handlers::make_exec_handler(
        {.command = handler.exec,
         .directory = handler.directory,
         .environment = environment_of(handler),
         .limits = limits_of(handler),
         .grace = handler.grace},
        env,
        orphans
    );
}

RunHandler make_child(
    const HandlerConfig& handler,
    unsigned concurrency,
    const Environment& env,
    const std::shared_ptr<handlers::OrphanWatch>& orphans
) {
    return handlers::make_child_handler(
        {.command = handler.child,
         .directory = handler.directory,
         .environment = environment_of(handler),
         .limits = limits_of(handler),
         .processes = handler.processes > 0 ? handler.processes : concurrency,
         .jobs_max = handler.max_jobs,
         .memory_max = handler.max_memory,
         .heartbeat_timeout = handler.heartbeat_timeout,
         .grace = handler.grace},
        env,
        orphans
    );
}

RunHandler make_http(const HandlerConfig& handler) {
    handlers::HttpOptions options{.url = handler.http};
    options.headers.assign(handler.headers.begin(), handler.headers.end());
    for (const std::string& secret : handler.secrets)
        options.secrets.push_back(or_throw(handlers::WebhookSecret::parse(secret)));
    for (const std::string& subnet : handler.allow_addresses)
        options.addresses.allowed.push_back(or_throw(http::parse_subnet(subnet)));
    if (handler.timeout.count() > 0) options.timeout = handler.timeout;
    return handlers::make_http_handler(std::move(options));
}

}  // namespace

Registry make_registry(const ServerConfig& config, unsigned concurrency, const Environment& env) {
    Registry registry;
    std::shared_ptr<handlers::OrphanWatch> orphans;
    for (const HandlerConfig& handler : config.handlers) {
        RunHandler run;
        if (handler.http.empty() && orphans == nullptr) {
            orphans = std::make_shared<handlers::OrphanWatch>();
        }
        if (!handler.exec.empty()) {
            run = make_exec(handler, env, orphans);
        } else if (!handler.child.empty()) {
            run = make_child(handler, concurrency, env, orphans);
        } else {
            run = make_http(handler);
        }
        const HandlerOptions options = options_of(handler, config.worker, concurrency);
        if (handler.type == "*") {
            registry.otherwise(std::move(run), options);
        } else {
            registry.on(handler.type, std::move(run), options);
        }
    }
    return registry;
}

}  // namespace tranter::cli
