#include "cli/config_keys.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 2> limits_names{"strict", "relaxed"};
constexpr std::array<std::string_view, 3> durability_names{"none", "os", "sync"};
constexpr std::array<std::string_view, 2> auth_names{"none", "sigv4"};
constexpr std::array<std::string_view, 4> format_names{"auto", "json", "logfmt", "pretty"};
constexpr std::array<std::string_view, 7> level_names{
    "trace", "debug", "info", "warn", "error", "fatal", "off"};
constexpr std::array<std::string_view, 3> fairness_names{"aws", "round_robin", "off"};
constexpr std::array<std::string_view, 2> scope_names{"queue", "messageGroup"};
constexpr std::array<std::string_view, 2> throughput_names{"perQueue", "perMessageGroupId"};

constexpr std::int64_t count_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr std::uint64_t mebibyte = 1048576;
constexpr std::uint64_t storage_max = std::uint64_t{1024} << 40U;

template <class Config, class Codec, auto member>
constexpr ConfigKey<Config> make_key(
    std::string_view path, std::string_view meaning, bool secret = false
) {
    return {
        .path = path,
        .read = [](const ConfigNode& node,
                   Config& config) { return Codec::read(node, member(config)); },
        .write = [](const Config& config) { return Codec::write(member(config)); },
        .describe = &Codec::describe,
        .shape = Codec::shape,
        .meaning = meaning,
        .secret = secret,
    };
}

template <class Codec, auto member>
constexpr ServerKey server_key(
    std::string_view path, std::string_view meaning, bool secret = false
) {
    return make_key<ServerConfig, Codec, member>(path, meaning, secret);
}

template <class Codec, auto member>
constexpr QueueKey queue_key(std::string_view path, std::string_view meaning) {
    return make_key<QueueConfig, Codec, member>(path, meaning);
}

constexpr ServerKey all_server_keys[] = {
    server_key < EndpointCodec, [](auto& c) -> auto& {return c.sqs;
}  // namespace
> ("server.sqs", "where the SQS API listens; port 0 takes any free port"), server_key < BoolCodec,
    [](auto& c) -> auto& {
    return c.sqs_enabled;
}
> ("server.sqs_enabled", "whether the SQS API is served"), server_key < EndpointCodec,
    [](auto& c) -> auto& {
    return c.admin;
}
> ("server.admin", "where health, metrics and administration listen"), server_key < BoolCodec,
    [](auto& c) -> auto& {
    return c.admin_enabled;
}
> ("server.admin_enabled", "whether the admin port is served"),
    server_key < NameCodec<limits_names>, [](auto& c) -> auto& {
    return c.limits;
}
> ("server.limits", "`relaxed` lifts the limits of SQS on names, batches and bodies"),
    server_key < BoolCodec, [](auto& c) -> auto& {
    return c.auto_create;
}
> ("server.auto_create", "create a queue at its first use, as `[queue_template]` says"),
    server_key < TextCodec, [](auto& c) -> auto& {
    return c.data;
}
> ("server.data",
   "the directory that queues and messages are kept in; without it they are in memory only"),
    server_key < NameCodec<durability_names>, [](auto& c) -> auto& {
    return c.durability;
}
> ("server.durability",
   "what an acknowledged change survives: `sync` a power loss, `os` a crash of the server, "
   "`none` nothing, as without `server.data`"),
    server_key < SizeCodec<0, storage_max>, [](auto& c) -> auto& {
    return c.data_max;
}
> ("server.data_max", "bytes of messages in all queues; then sends are refused; 0B is no limit"),
    server_key < SizeCodec<0, storage_max>, [](auto& c) -> auto& {
    return c.memory_limit;
}
> ("server.memory_limit",
   "memory for queues; from three quarters of it on, new messages stay in `server.data` until they "
   "are received, at the limit sends are refused; 0B is half of the machine's"),
    server_key < SizeCodec<mebibyte, 1024 * mebibyte>, [](auto& c) -> auto& {
    return c.segment_size;
}
> ("server.segment_size", "the log in `server.data` is cut into files of this size"),
    server_key < BoolCodec, [](auto& c) -> auto& {
    return c.history;
}
> ("server.history", "keep jobs that have finished, to be found and searched"),
    server_key < IntegerCodec<0, 1024>, [](auto& c) -> auto& {
    return c.threads;
}
> ("server.threads", "threads that serve requests; 0 is one per core"), server_key < TextCodec,
    [](auto& c) -> auto& {
    return c.region;
}
> ("server.region", "the region in ARNs"), server_key < TextCodec, [](auto& c) -> auto& {
    return c.account;
}
> ("server.account", "the account in ARNs and queue URLs"), server_key < TextCodec,
    [](auto& c) -> auto& {
    return c.public_url;
}
> ("server.public_url",
   "what queue URLs start with, like `http://sqs.internal:9324`; empty takes the Host header "
   "of each request"),
    server_key < TextCodec, [](auto& c) -> auto& {
    return c.context_path;
}
> ("server.context_path", "a path before the account in queue URLs, like `/sqs`"),
    server_key < BoolCodec, [](auto& c) -> auto& {
    return c.insecure;
}
> ("server.insecure", "listen on other than loopback addresses without authentication"),
    server_key < SizeCodec<2 * mebibyte, 1024 * mebibyte>, [](auto& c) -> auto& {
    return c.max_body;
}
> ("server.max_body", "the largest request body"), server_key < IntegerCodec<1, 1'000'000>,
    [](auto& c) -> auto& {
    return c.max_connections;
}
> ("server.max_connections", "open connections; more are answered with 503"),
    server_key < DurationCodec<1, hour>, [](auto& c) -> auto& {
    return c.idle_timeout;
}
> ("server.idle_timeout", "how long a connection may wait between requests"),
    server_key < DurationCodec<1, hour>, [](auto& c) -> auto& {
    return c.header_timeout;
}
> ("server.header_timeout", "how long a request may take to send its headers"),
    server_key < DurationCodec<1, hour>, [](auto& c) -> auto& {
    return c.body_timeout;
}
> ("server.body_timeout", "how long a request may take to send its body"),
    server_key < DurationCodec<0, hour>, [](auto& c) -> auto& {
    return c.purge_cooldown;
}
> ("server.purge_cooldown", "how soon a queue may be purged again (60s on AWS)"),
    server_key < DurationCodec<0, hour>, [](auto& c) -> auto& {
    return c.delete_cooldown;
}
> ("server.delete_cooldown", "how soon the name of a deleted queue may be used again (60s on AWS)"),
    server_key < IntegerCodec<0, count_max>, [](auto& c) -> auto& {
    return c.max_in_flight;
}
> ("server.max_in_flight", "messages in flight in each queue; 0 is no limit"),
    server_key < TextsCodec, [](auto& c) -> auto& {
    return c.allowed_hosts;
}
> ("server.allowed_hosts", "names besides localhost and IP addresses that a Host header may carry"),
    server_key < TextsCodec, [](auto& c) -> auto& {
    return c.cors_origins;
}
> ("server.cors.origins", "web origins that may call the API, or `*` for all"),
    server_key < NameCodec<auth_names>, [](auto& c) -> auto& {
    return c.auth.mode;
}
> ("auth.mode", "`sigv4` checks the AWS signature of every request"), server_key < TextMapCodec,
    [](auto& c) -> auto& {
    return c.auth.keys;
}
> ("auth.keys", "access key id = secret access key", true), server_key < TextsCodec,
    [](auto& c) -> auto& {
    return c.auth.regions;
}
> ("auth.regions", "regions that a signature may be made for; empty is any"), server_key < TextCodec
    ,
    [](auto& c) -> auto& {
    return c.admin_token;
}
> ("admin.token", "bearer token of the admin port, at least 16 characters", true),
    server_key < NameCodec<format_names>, [](auto& c) -> auto& {
    return c.log.format;
}
> ("log.format", "`auto` is `pretty` on a terminal and `json` elsewhere"),
    server_key < NameCodec<level_names>, [](auto& c) -> auto& {
    return c.log.level;
}
> ("log.level", "the least important lines that are written"),
};  // namespace tranter::cli

constexpr QueueKey all_queue_keys[] = {
    queue_key < DurationCodec<0, 12 * hour>, [](auto& c) -> auto& {return c.visibility_timeout;
}
> ("visibility_timeout", "how long a received message is hidden from others"),
    queue_key < DurationCodec<0, 900>, [](auto& c) -> auto& {
    return c.delay;
}
> ("delay", "how long a new message is hidden"), queue_key < DurationCodec<60, 14 * day>,
    [](auto& c) -> auto& {
    return c.retention;
}
> ("retention", "how long a message is kept"), queue_key < DurationCodec<0, 20>,
    [](auto& c) -> auto& {
    return c.receive_wait;
}
> ("receive_wait", "how long a receive waits when it does not say so itself"),
    queue_key < SizeCodec<1024, mebibyte>, [](auto& c) -> auto& {
    return c.max_message_size;
}
> ("max_message_size", "the largest body with its attributes"), queue_key < BoolCodec,
    [](auto& c) -> auto& {
    return c.fifo;
}
> ("fifo", "a FIFO queue; its name ends in `.fifo`, which also sets this"), queue_key < BoolCodec,
    [](auto& c) -> auto& {
    return c.content_based_deduplication;
}
> ("content_based_deduplication", "FIFO: de-duplicate by the body"),
    queue_key < NameCodec<scope_names>, [](auto& c) -> auto& {
    return c.deduplication_scope;
}
> ("deduplication_scope", "FIFO: where a de-duplication id counts"),
    queue_key < NameCodec<throughput_names>, [](auto& c) -> auto& {
    return c.fifo_throughput_limit;
}
> ("fifo_throughput_limit", "FIFO: kept for clients that ask for it"), queue_key < TextCodec,
    [](auto& c) -> auto& {
    return c.dead_letter.queue;
}
> ("dead_letter.queue", "the queue for messages that were received too often"),
    queue_key < IntegerCodec<1, 1000>, [](auto& c) -> auto& {
    return c.dead_letter.max_receives;
}
> ("dead_letter.max_receives", "receives before that; required with `dead_letter.queue`"),
    queue_key < RedriveAllowCodec, [](auto& c) -> auto& {
    return c.redrive_allow;
}
> ("redrive_allow", "which queues may use this one as their dead-letter queue"),
    queue_key < IntegerCodec<0, count_max>, [](auto& c) -> auto& {
    return c.groups.max_in_flight;
}
> ("groups.max_in_flight", "messages in flight in one message group; 0 is no limit"),
    queue_key < IntegerCodec<0, count_max>, [](auto& c) -> auto& {
    return c.groups.max_queued;
}
> ("groups.max_queued", "messages waiting in one message group; 0 is no limit"),
    queue_key < NameCodec<fairness_names>, [](auto& c) -> auto& {
    return c.groups.fair;
}
> ("groups.fair", "how standard queues divide receives among message groups"),
    queue_key < IntegerCodec<-1, count_max>, [](auto& c) -> auto& {
    return c.max_in_flight;
}
> ("max_in_flight", "messages in flight; 0 is no limit, -1 is `server.max_in_flight`"),
    queue_key < SizeCodec<0, storage_max>, [](auto& c) -> auto& {
    return c.max_bytes;
}
> ("max_bytes", "bytes of messages held; then sends are refused; 0B is no limit"),
    queue_key < TextMapCodec, [](auto& c) -> auto& {
    return c.tags;
}
> ("tags", "tags of the queue"), queue_key < TextCodec, [](auto& c) -> auto& {
    return c.job_type;
}
> ("job_type", "jobs: the type of messages that say none, as SQS clients send them"),
    queue_key < TextCodec, [](auto& c) -> auto& {
    return c.copy_to;
}
> ("copy_to", "a queue that gets a copy of every accepted message"), queue_key < TextCodec,
    [](auto& c) -> auto& {
    return c.move_to;
}
> ("move_to", "a queue that gets every message instead of this one"),
}
;

struct FutureKey {
    std::string_view path;
    std::string_view text;
};

constexpr std::string_view not_yet = "is not supported by this version, remove it";

constexpr FutureKey future_keys[] = {
    {"provider", not_yet},
    {"worker", not_yet},
    {"handlers", not_yet},
    {"schedules", not_yet},
    {"apps", not_yet},
    {"scale", not_yet},
    {"history", not_yet},
};

}  // namespace

std::span<const ServerKey> server_keys() {
    return all_server_keys;
}

std::span<const QueueKey> queue_keys() {
    return all_queue_keys;
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
