#include "cli/config_keys.hpp"

#include "cli/config_key_table.hpp"
#include "cli/worker_queues.hpp"

#include <algorithm>
#include <array>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 2> limits_names{"strict", "relaxed"};
constexpr std::array<std::string_view, 3> durability_names{"none", "os", "sync"};
constexpr std::array<std::string_view, 2> auth_names{"none", "sigv4"};
constexpr std::array<std::string_view, 4> format_names{"auto", "json", "logfmt", "pretty"};
constexpr std::array<std::string_view, 2> order_names{"weighted", "strict"};
constexpr std::array<std::string_view, 7> level_names{
    "trace", "debug", "info", "warn", "error", "fatal", "off"};

template <class Codec, auto... members>
constexpr ServerKey server_key(
    std::string_view path, std::string_view meaning, bool secret = false
) {
    return make_key<ServerConfig, Codec, members...>(path, meaning, secret);
}

constexpr ServerKey all_server_keys[] = {
    server_key<EndpointCodec, &ServerConfig::sqs>(
        "server.sqs", "where the SQS API listens; port 0 takes any free port"
    ),
    server_key<BoolCodec, &ServerConfig::sqs_enabled>(
        "server.sqs_enabled", "whether the SQS API is served"
    ),
    server_key<EndpointCodec, &ServerConfig::admin>(
        "server.admin", "where health, metrics and administration listen"
    ),
    server_key<BoolCodec, &ServerConfig::admin_enabled>(
        "server.admin_enabled", "whether the admin port is served"
    ),
    server_key<NameCodec<limits_names>, &ServerConfig::limits>(
        "server.limits", "`relaxed` lifts the limits of SQS on names, batches and bodies"
    ),
    server_key<BoolCodec, &ServerConfig::auto_create>(
        "server.auto_create", "create a queue at its first use, as `[queue_template]` says"
    ),
    server_key<TextCodec, &ServerConfig::data>(
        "server.data",
        "the directory that queues and messages are kept in; without it they are in memory only"
    ),
    server_key<NameCodec<durability_names>, &ServerConfig::durability>(
        "server.durability",
        "what an acknowledged change survives: `sync` a power loss, `os` a crash of the server, "
        "`none` nothing, as without `server.data`"
    ),
    server_key<SizeCodec<0, storage_max>, &ServerConfig::data_max>(
        "server.data_max", "bytes of messages in all queues; then sends are refused; 0B is no limit"
    ),
    server_key<SizeCodec<0, storage_max>, &ServerConfig::memory_limit>(
        "server.memory_limit",
        "memory for queues, with the de-duplication ids, keys and groups that they remember; from "
        "three quarters of it on, new messages stay in `server.data` until they are received, at "
        "the "
        "limit sends are refused (503, so that clients try again); 0B is half of the machine's"
    ),
    server_key<SizeCodec<mebibyte, 1024 * mebibyte>, &ServerConfig::segment_size>(
        "server.segment_size", "the log in `server.data` is cut into files of this size"
    ),
    server_key<BoolCodec, &ServerConfig::history>(
        "server.history",
        "keep jobs that have finished, to be found and searched: the newest 100,000 of each queue "
        "in `history.db` in `server.data`, or 1,000 in memory"
    ),
    server_key<IntegerCodec<0, 1024>, &ServerConfig::threads>(
        "server.threads", "threads that serve requests; 0 is one per core"
    ),
    server_key<TextCodec, &ServerConfig::region>("server.region", "the region in ARNs"),
    server_key<TextCodec, &ServerConfig::account>(
        "server.account", "the account in ARNs and queue URLs"
    ),
    server_key<TextCodec, &ServerConfig::public_url>(
        "server.public_url",
        "what queue URLs start with, like `http://sqs.internal:9324`; empty takes the Host header "
        "of each request"
    ),
    server_key<TextCodec, &ServerConfig::context_path>(
        "server.context_path", "a path before the account in queue URLs, like `/sqs`"
    ),
    server_key<BoolCodec, &ServerConfig::insecure>(
        "server.insecure", "listen on other than loopback addresses without authentication"
    ),
    server_key<BoolCodec, &ServerConfig::require_durable>(
        "server.require_durable", "`/api/health/ready` fails while queues are in memory only"
    ),
    server_key<SizeCodec<2 * mebibyte, 1024 * mebibyte>, &ServerConfig::max_body>(
        "server.max_body", "the largest request body; those that are arriving take 32 times as much"
    ),
    server_key<IntegerCodec<1, 1'000'000>, &ServerConfig::max_connections>(
        "server.max_connections", "open connections; more are answered with 503"
    ),
    server_key<DurationCodec<1, hour>, &ServerConfig::idle_timeout>(
        "server.idle_timeout", "how long a connection may wait between requests"
    ),
    server_key<DurationCodec<1, hour>, &ServerConfig::header_timeout>(
        "server.header_timeout", "how long a request may take to send its headers"
    ),
    server_key<DurationCodec<1, hour>, &ServerConfig::body_timeout>(
        "server.body_timeout",
        "for a request to send its body; again as long while 16 KiB a second come"
    ),
    server_key<DurationCodec<0, hour>, &ServerConfig::purge_cooldown>(
        "server.purge_cooldown", "how soon a queue may be purged again (60s on AWS)"
    ),
    server_key<DurationCodec<0, hour>, &ServerConfig::delete_cooldown>(
        "server.delete_cooldown",
        "how soon the name of a deleted queue may be used again (60s on AWS)"
    ),
    server_key<IntegerCodec<0, count_max>, &ServerConfig::max_in_flight>(
        "server.max_in_flight", "messages in flight in each queue; 0 is no limit"
    ),
    server_key<TextsCodec, &ServerConfig::allowed_hosts>(
        "server.allowed_hosts",
        "names besides localhost and IP addresses that a Host header may carry"
    ),
    server_key<TextsCodec, &ServerConfig::cors_origins>(
        "server.cors.origins", "web origins that may call the API, or `*` for all"
    ),
    server_key<NameCodec<auth_names>, &ServerConfig::auth, &AuthConfig::mode>(
        "auth.mode", "`sigv4` checks the AWS signature of every request"
    ),
    server_key<TextMapCodec, &ServerConfig::auth, &AuthConfig::keys>(
        "auth.keys", "access key id = secret access key", true
    ),
    server_key<TextsCodec, &ServerConfig::auth, &AuthConfig::regions>(
        "auth.regions", "regions that a signature may be made for; empty is any"
    ),
    server_key<TextCodec, &ServerConfig::admin_token>(
        "admin.token", "bearer token of the admin port, at least 16 characters", true
    ),
    server_key<NameCodec<format_names>, &ServerConfig::log, &LogOptions::format>(
        "log.format", "`auto` is `pretty` on a terminal and `json` elsewhere"
    ),
    server_key<NameCodec<level_names>, &ServerConfig::log, &LogOptions::level>(
        "log.level", "the least important lines that are written"
    ),
    server_key<TextCodec, &ServerConfig::provider>(
        "provider",
        "where `work` and the commands about jobs find their jobs; empty is `http://127.0.0.1:9325`"
    ),
    server_key<WorkerQueuesCodec, &ServerConfig::worker, &WorkerConfig::queues>(
        "worker.queues",
        "queues to work for, with the weight of each (1 to 1000) and how many of its jobs run in "
        "this worker at a time"
    ),
    server_key<NameCodec<order_names>, &ServerConfig::worker, &WorkerConfig::queue_order>(
        "worker.queue_order",
        "`weighted` gives each queue its share, `strict` only what those before it leave"
    ),
    server_key<IntegerCodec<0, 10'000>, &ServerConfig::worker, &WorkerConfig::concurrency>(
        "worker.concurrency", "handlers that run at a time; 0 is one per core"
    ),
    server_key<IntegerCodec<0, 10'000>, &ServerConfig::worker, &WorkerConfig::group_concurrency>(
        "worker.group_concurrency",
        "jobs of one group (tenant, user) that run at a time in all workers, set as the queues' "
        "limit; in each worker where the provider has no limits; 0 leaves it as it is"
    ),
    server_key<IntegerCodec<0, 1000>, &ServerConfig::worker, &WorkerConfig::max_parallel_runs>(
        "worker.max_parallel_runs",
        "executions of one job at a time, whatever it asks for; 0 is no limit"
    ),
    server_key<IntegerCodec<1, 10'000>, &ServerConfig::worker, &WorkerConfig::batch>(
        "worker.batch", "the most jobs in one call to the provider"
    ),
    server_key<DurationCodec<1, 300>, &ServerConfig::worker, &WorkerConfig::poll_wait>(
        "worker.poll_wait", "how long one call waits for a job"
    ),
    server_key<DurationCodec<1, 12 * hour>, &ServerConfig::worker, &WorkerConfig::lease>(
        "worker.lease", "how long a job stays with a worker that gives no sign of life"
    ),
    server_key<DurationCodec<0, hour>, &ServerConfig::worker, &WorkerConfig::shutdown_timeout>(
        "worker.shutdown_timeout", "how long running jobs may go on when the worker stops"
    ),
    server_key<EndpointCodec, &ServerConfig::worker_health>(
        "worker.health",
        "where the worker's health and metrics listen; port 0 takes any free port, and so does the "
        "default when it is taken"
    ),
    server_key<BoolCodec, &ServerConfig::worker_health_enabled>(
        "worker.health_enabled", "whether they are served"
    ),
    server_key<TextCodec, &ServerConfig::worker, &WorkerConfig::name>(
        "worker.name", "shown with the jobs it has; empty is host name and process id"
    ),
    server_key<TextCodec, &ServerConfig::scheduler, &SchedulerConfig::store>(
        "scheduler.store",
        "where schedules are, `file:DIR`, `file:PATH.db` or `postgres://HOST/DATABASE`; empty is "
        "`provider`, `TRANTER_URL` or `DATABASE_URL` if it is of PostgreSQL, or else "
        "`server.data` or the user's state directory"
    ),
    server_key<DurationCodec<1, hour>, &ServerConfig::scheduler, &SchedulerConfig::poll_interval>(
        "scheduler.poll_interval", "the longest sleep of a scheduler that nothing wakes"
    ),
    server_key<DurationCodec<1, hour>, &ServerConfig::scheduler, &SchedulerConfig::lease>(
        "scheduler.lease", "how long a scheduler that gives no sign of life leads the others"
    ),
    server_key<
        DurationCodec<hour, 3650 * day>,
        &ServerConfig::scheduler,
        &SchedulerConfig::keep_runs>(
        "scheduler.keep_runs", "how long runs that have ended are kept"
    ),
    server_key<EndpointCodec, &ServerConfig::scheduler_health>(
        "scheduler.health",
        "where health and metrics of `tranter schedule` listen; port 0 takes any free port, and so "
        "does the default when it is taken"
    ),
    server_key<EndpointCodec, &ServerConfig::timers_health>(
        "scheduler.timers_health", "the same of `tranter timers`"
    ),
    server_key<BoolCodec, &ServerConfig::scheduler_health_enabled>(
        "scheduler.health_enabled", "whether they are served"
    ),
    server_key<DurationCodec<1, 30 * day>, &ServerConfig::scheduler, &SchedulerConfig::late_after>(
        "scheduler.late_after", "a scheduler is `degraded` while something is overdue for longer"
    ),
    server_key<TextCodec, &ServerConfig::scheduler, &SchedulerConfig::name>(
        "scheduler.name", "shown in the log; empty is host name and process id"
    ),
    server_key<OptionalEndpointCodec, &ServerConfig::up_listen>(
        "up.listen",
        "where the daemon of `tranter up` serves health and metrics of all apps, from its start "
        "on; empty is nowhere"
    ),
};

struct FutureKey {
    std::string_view path;
    std::string_view text;
};

constexpr std::string_view not_yet = "is not supported by this version, remove it";

constexpr FutureKey future_keys[] = {
    {"scale", not_yet},
    {"history", not_yet},
};

}  // namespace

std::span<const ServerKey> server_keys() {
    return all_server_keys;
}

std::string environment_name(const ServerKey& key) {
    constexpr std::string_view server = "server.";
    std::string_view path = key.path;
    if (path.starts_with(server)) path.remove_prefix(server.size());
    std::string name = "TRANTER_";
    for (const char c : path) {
        const bool lower = c >= 'a' && c <= 'z';
        name += c == '.' ? '_' : lower ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name;
}

std::string_view find_future_key(std::string_view path) {
    const auto found = std::ranges::find(future_keys, path, &FutureKey::path);
    return found == std::end(future_keys) ? std::string_view() : found->text;
}

}  // namespace tranter::cli
