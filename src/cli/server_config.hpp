#pragma once

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "cli/app_config.hpp"
#include "cli/schedule_config.hpp"
#include "cli/worker_config.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// Where to listen. `host` is a name or an address without brackets; port 0 means any free port.
struct Endpoint {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    /// Whether somebody named the host. An elasticmq.conf without `bind-hostname` would listen on
    /// all addresses under ElasticMQ and listens on loopback here.
    bool host_explicit = false;

    bool operator==(const Endpoint& other) const {
        return host == other.host && port == other.port;
    }
};

/// "127.0.0.1:9324", "localhost:0", "[::1]:9324", "0.0.0.0:80".
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
std::string format_endpoint(const Endpoint& endpoint);

/// True for localhost, 127.0.0.0/8 and ::1.
bool is_loopback(const Endpoint& endpoint);

enum class LimitsMode : std::uint8_t { strict, relaxed };
enum class AuthMode : std::uint8_t { none, sigv4 };
/// What an acknowledged change survives: nothing, the end of the process, a power loss.
enum class DurabilityLevel : std::uint8_t { none, os, sync };
enum class GroupFairness : std::uint8_t { aws, round_robin, off };
enum class DeduplicationScope : std::uint8_t { queue, message_group };
enum class FifoThroughputLimit : std::uint8_t { per_queue, per_message_group_id };
enum class RedrivePermission : std::uint8_t { allow_all, deny_all, by_queue };

/// An empty `queue` means that there is no dead-letter queue.
struct DeadLetterConfig {
    std::string queue;
    std::uint32_t max_receives = 0;

    bool operator==(const DeadLetterConfig&) const = default;
};

/// Which queues may name this one as their dead-letter queue.
struct RedriveAllowConfig {
    RedrivePermission permission = RedrivePermission::allow_all;
    std::vector<std::string> sources;  ///< only with by_queue

    bool operator==(const RedriveAllowConfig&) const = default;
};

/// 0 means no limit.
struct GroupsConfig {
    std::uint32_t max_in_flight = 0;
    std::uint32_t max_queued = 0;
    GroupFairness fair = GroupFairness::aws;

    bool operator==(const GroupsConfig&) const = default;
};

/// Which keys a file has for a queue, by path ("dead_letter.queue"), defaults or not. No part of
/// what is configured, so it does not count in comparisons.
struct WrittenKeys {
    std::set<std::string, std::less<>> paths;

    bool operator==(const WrittenKeys&) const { return true; }
};

/// A queue that exists from the start, or (without a name) how auto-created queues are made.
struct QueueConfig {
    /// `max_in_flight` of a queue that takes the server's number.
    static constexpr std::int64_t server_default = -1;

    std::string name;  ///< ends in ".fifo" if and only if `fifo`
    Duration visibility_timeout = std::chrono::seconds(30);
    Duration delay{};
    Duration retention = std::chrono::days(4);
    Duration receive_wait{};
    std::uint64_t max_message_size = 1048576;
    bool fifo = false;
    bool content_based_deduplication = false;
    DeduplicationScope deduplication_scope = DeduplicationScope::queue;
    FifoThroughputLimit fifo_throughput_limit = FifoThroughputLimit::per_queue;
    DeadLetterConfig dead_letter;
    RedriveAllowConfig redrive_allow;
    GroupsConfig groups;
    std::int64_t max_in_flight = server_default;  ///< 0 means no limit
    std::uint64_t max_bytes = 0;                  ///< of payloads held; 0 means no limit
    std::map<std::string, std::string> tags;
    std::string job_type;  ///< of messages without one; empty: "message"
    std::string copy_to;   ///< every accepted message is also sent to this queue
    std::string move_to;   ///< messages are stored in this queue instead
    WrittenKeys written;

    bool operator==(const QueueConfig&) const = default;
};

struct AuthConfig {
    AuthMode mode = AuthMode::none;
    std::map<std::string, std::string> keys;  ///< access key id -> secret access key
    std::vector<std::string> regions;         ///< regions a signature may name; empty: any

    bool operator==(const AuthConfig&) const = default;
};

/// Where `tranter schedule` and `tranter timers` tell how they are, unless it is taken.
inline Endpoint default_scheduler_health() {
    return {.host = "127.0.0.1", .port = 3004};
}
inline Endpoint default_timers_health() {
    return {.host = "127.0.0.1", .port = 3005};
}

/// Everything `tranter serve` is told by file, environment and flags. The members hold the
/// defaults, so a ServerConfig{} is what runs without a file. docs/configuration.md explains each.
struct ServerConfig {
    Endpoint sqs{.host = "127.0.0.1", .port = 9324};
    Endpoint admin{.host = "127.0.0.1", .port = 9325};
    bool sqs_enabled = true;
    bool admin_enabled = true;
    LimitsMode limits = LimitsMode::strict;
    bool auto_create = false;
    QueueConfig auto_create_template;
    std::string data;  ///< directory; empty: memory only
    DurabilityLevel durability = DurabilityLevel::sync;
    std::uint64_t data_max = 0;      ///< bytes of payloads in all queues; 0 means no limit
    std::uint64_t memory_limit = 0;  ///< bytes; 0: half of what the machine has
    std::uint32_t segment_size = 64U << 20U;
    bool history = true;        ///< of jobs that have finished
    std::uint32_t threads = 0;  ///< 0: one per core
    std::string region = "us-east-1";
    std::string account = "000000000000";
    /// scheme://host[:port] that queue URLs start with; empty: taken from each request's Host.
    std::string public_url;
    /// "/a/b" or empty: between public_url and the account in queue URLs, and the routing prefix.
    std::string context_path;
    bool insecure = false;
    /// /api/health/ready fails while queues are in memory only.
    bool require_durable = false;
    std::uint64_t max_body = 8388608;
    std::uint32_t max_connections = 20000;
    Duration idle_timeout = std::chrono::seconds(75);
    Duration header_timeout = std::chrono::seconds(10);
    Duration body_timeout = std::chrono::seconds(30);
    Duration purge_cooldown{};
    Duration delete_cooldown{};
    std::int64_t max_in_flight = 120000;  ///< of each queue; 0 means no limit
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> cors_origins;
    AuthConfig auth;
    std::string admin_token;
    LogOptions log;
    /// Where work and the commands about jobs find their jobs; empty: this machine's server.
    std::string provider;
    WorkerConfig worker;
    Endpoint worker_health{.host = "127.0.0.1", .port = 3003};
    bool worker_health_enabled = true;
    /// By type.
    std::vector<HandlerConfig> handlers;
    SchedulerConfig scheduler;
    Endpoint scheduler_health = default_scheduler_health();
    Endpoint timers_health = default_timers_health();
    bool scheduler_health_enabled = true;
    /// By name.
    std::vector<ScheduleConfig> schedules;
    /// Where health and metrics of all apps of `tranter up` are served.
    std::optional<Endpoint> up_listen;
    /// By name.
    std::vector<AppConfig> apps;
    /// Ordered so that a queue stands after the queues it refers to.
    std::vector<QueueConfig> queues;

    bool operator==(const ServerConfig&) const = default;
};

/// Refuses to be reachable from other machines without authentication: a non-loopback `sqs` needs
/// auth.mode = "sigv4", a non-loopback `admin` a token, or `insecure`. Call it last, after flags.
[[nodiscard]] Result<void> check_exposure(const ServerConfig& config);

/// Whether queues live in the data directory: `none` turns it off.
bool keeps_data(const ServerConfig& config);

/// Refuses `os` without a data directory, which would promise what it cannot keep. Call it last.
[[nodiscard]] Result<void> check_durability(const ServerConfig& config);

}  // namespace tranter::cli
