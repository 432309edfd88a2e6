#include "base/duration.hpp"
#include "cli/elasticmq_draft.hpp"
#include "cli/elasticmq_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::cli::elasticmq {
namespace {

constexpr std::string_view fifo_name_end = ".fifo";
constexpr std::int64_t bind_port_max = 65535;

template <class T, class Source>
Result<void> assign(T& target, Result<Source> value) {
    if (!value) return std::unexpected(value.error());
    target = static_cast<T>(std::move(*value));
    return {};
}

Result<void> ignore(const ConfigNode&, Draft&) {
    return {};
}

Result<void> read_port(const ConfigNode& node, Endpoint& endpoint) {
    return assign(endpoint.port, read_whole_number(node, 0, bind_port_max));
}

Result<void> read_bind_host(const ConfigNode& node, Endpoint& endpoint) {
    const Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    if (text->empty()) return {};
    if (!parse_endpoint(format_endpoint({.host = *text, .port = endpoint.port}))) {
        return fail(
            Errc::invalid_argument,
            fmt::format("is \"{}\", write a host name or an IP address", *text)
        );
    }
    endpoint.host = *text;
    endpoint.host_explicit = true;
    return {};
}

Result<void> read_context_path(const ConfigNode& node, Draft& draft) {
    const Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    std::string_view path = *text;
    while (path.starts_with('/'))
        path.remove_prefix(1);
    while (path.ends_with('/'))
        path.remove_suffix(1);
    draft.config.context_path = path.empty() ? std::string() : std::string("/").append(path);
    return {};
}

Result<void> read_debug(const ConfigNode& node, Draft& draft) {
    bool on = false;
    Result<void> done = assign(on, read_bool(node));
    if (on) draft.config.log.level = LogLevel::debug;
    return done;
}

Result<void> read_limits(const ConfigNode& node, Draft& draft) {
    Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    for (char& c : *text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (*text != "strict" && *text != "relaxed") {
        return fail(
            Errc::invalid_argument, fmt::format("is \"{}\", use one of strict, relaxed", *text)
        );
    }
    draft.config.limits = *text == "strict" ? LimitsMode::strict : LimitsMode::relaxed;
    return {};
}

Result<void> read_account(const ConfigNode& node, Draft& draft) {
    Result<void> done = assign(draft.config.account, read_text(node));
    // ElasticMQ writes "queue" into URLs then.
    if (done && draft.config.account.empty()) draft.config.account = "queue";
    return done;
}

Result<void> read_storage(const ConfigNode& node, Draft& draft, std::string_view what) {
    const Result<bool> on = read_bool(node);
    if (!on) return std::unexpected(on.error());
    if (*on) draft.notices.push_back(fmt::format("{} are kept with --data DIR only", what));
    return {};
}

constexpr ServerKey all_server_keys[] = {
    {"elasticmq.debug", "log.level", &read_debug},
    {"node-address.protocol",
     "server.public_url",
     [](const ConfigNode& node, Draft& draft) {
         draft.address.given = true;
         return assign(draft.address.protocol, read_text(node));
     }},
    {"node-address.host",
     "server.public_url",
     [](const ConfigNode& node, Draft& draft) {
         draft.address.given = true;
         return assign(draft.address.host, read_text(node));
     }},
    {"node-address.port",
     "server.public_url",
     [](const ConfigNode& node, Draft& draft) {
         draft.address.given = true;
         return assign(draft.address.port, read_whole_number(node, 0, bind_port_max));
     }},
    {"node-address.context-path", "server.context_path", &read_context_path},
    {"generate-node-address",
     "server.public_url",
     [](const ConfigNode& node, Draft& draft) {
         return assign(draft.address.generate, read_bool(node));
     }},
    {"rest-sqs.enabled",
     "server.sqs_enabled",
     [](const ConfigNode& node, Draft& draft) {
         return assign(draft.config.sqs_enabled, read_bool(node));
     }},
    {"rest-sqs.bind-port",
     "server.sqs",
     [](const ConfigNode& node, Draft& draft) {
         return read_port(node, draft.config.sqs);
     }},
    {"rest-sqs.bind-hostname",
     "server.sqs",
     [](const ConfigNode& node, Draft& draft) {
         return read_bind_host(node, draft.config.sqs);
     }},
    {"rest-sqs.sqs-limits", "server.limits", &read_limits},
    {"rest-stats.enabled",
     "server.admin_enabled",
     [](const ConfigNode& node, Draft& draft) {
         return assign(draft.config.admin_enabled, read_bool(node));
     }},
    {"rest-stats.bind-port",
     "server.admin",
     [](const ConfigNode& node, Draft& draft) {
         draft.stats_given = true;
         return read_port(node, draft.config.admin);
     }},
    {"rest-stats.bind-hostname",
     "server.admin",
     [](const ConfigNode& node, Draft& draft) {
         return read_bind_host(node, draft.config.admin);
     }},
    {"aws.region",
     "server.region",
     [](const ConfigNode& node, Draft& draft) {
         return assign(draft.config.region, read_text(node));
     }},
    {"aws.accountId", "server.account", &read_account},
    {"auto-create-queues.enabled",
     "server.auto_create",
     [](const ConfigNode& node, Draft& draft) {
         return assign(draft.config.auto_create, read_bool(node));
     }},
    {"queues-storage.enabled",
     "",
     [](const ConfigNode& node, Draft& draft) {
         return read_storage(node, draft, "queues-storage: queues");
     }},
    {"queues-storage.path", "", &ignore},
    {"messages-storage.enabled",
     "",
     [](const ConfigNode& node, Draft& draft) {
         return read_storage(node, draft, "messages-storage: queues and messages");
     }},
    {"messages-storage.driver-class", "", &ignore},
    {"messages-storage.uri", "", &ignore},
    {"messages-storage.username", "", &ignore},
    {"messages-storage.password", "", &ignore},
    {"messages-storage.prune-data-on-init", "", &ignore},
};

constexpr QueueKey all_queue_keys[] = {
    {"defaultVisibilityTimeout",
     "visibility_timeout",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.visibility_timeout, read_duration(node));
     }},
    {"delay",
     "delay",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.delay, read_duration(node));
     }},
    {"receiveMessageWait",
     "receive_wait",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.receive_wait, read_duration(node));
     }},
    {"deadLettersQueue.name",
     "dead_letter.queue",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.dead_letter.queue, read_text(node));
     }},
    {"deadLettersQueue.maxReceiveCount",
     "dead_letter.max_receives",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.dead_letter.max_receives, read_whole_number(node, 1, 1000));
     }},
    {"fifo",
     "fifo",
     [](const ConfigNode& node, QueueConfig& queue) {
         // A name that ends in .fifo is FIFO whatever this says.
         bool fifo = false;
         Result<void> done = assign(fifo, read_bool(node));
         queue.fifo |= fifo;
         return done;
     }},
    {"contentBasedDeduplication",
     "content_based_deduplication",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.content_based_deduplication, read_bool(node));
     }},
    {"copyTo",
     "copy_to",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.copy_to, read_text(node));
     }},
    {"moveTo",
     "move_to",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.move_to, read_text(node));
     }},
    {"tags",
     "tags",
     [](const ConfigNode& node, QueueConfig& queue) {
         return assign(queue.tags, read_texts(node));
     }},
    {"created",
     "",
     [](const ConfigNode&, QueueConfig&) -> Result<void> {
         return {};
     }},
    {"lastModified",
     "",
     [](const ConfigNode&, QueueConfig&) -> Result<void> {
         return {};
     }},
};

struct DurationLimit {
    std::string_view name;
    Duration QueueConfig::*member;
    std::chrono::seconds max;
};

constexpr DurationLimit duration_limits[] = {
    {"defaultVisibilityTimeout", &QueueConfig::visibility_timeout, std::chrono::hours(12)},
    {"delay", &QueueConfig::delay, std::chrono::minutes(15)},
    {"receiveMessageWait", &QueueConfig::receive_wait, std::chrono::seconds(20)},
};

// A reference may name a FIFO queue as the file does, without the suffix that it got.
void finish_references(ServerConfig& config) {
    const auto exists = [&](const std::string& name) {
        return std::ranges::find(config.queues, name, &QueueConfig::name) != config.queues.end();
    };
    const auto complete = [&](std::string& name) {
        if (name.empty() || exists(name)) return;
        const std::string fifo_name = std::string(name).append(fifo_name_end);
        if (exists(fifo_name)) name = fifo_name;
    };
    for (QueueConfig& queue : config.queues) {
        complete(queue.dead_letter.queue);
        complete(queue.copy_to);
        complete(queue.move_to);
    }
}

}  // namespace

std::span<const ServerKey> server_keys() {
    return all_server_keys;
}

std::span<const QueueKey> queue_keys() {
    return all_queue_keys;
}

QueueConfig start_queue(const std::string& name, const ConfigNode::Object& members) {
    QueueConfig queue;
    queue.name = name;
    queue.fifo = name.ends_with(fifo_name_end);
    const auto fifo = std::ranges::find(members, std::string_view("fifo"), &ConfigMember::key);
    if (fifo != members.end() && read_bool(fifo->node).value_or(false) && !queue.fifo) {
        queue.fifo = true;
        queue.name += fifo_name_end;
    }
    return queue;
}

void finish_queue(QueueConfig& queue, std::vector<std::string>& notices) {
    // ElasticMQ takes any duration; SQS clients and tranter.toml have limits.
    for (const DurationLimit& limit : duration_limits) {
        Duration& value = queue.*limit.member;
        if (value <= limit.max) continue;
        notices.push_back(fmt::format(
            "queue {}: {} is {}, SQS allows at most {}, which is used",
            queue.name,
            limit.name,
            format_duration(value),
            format_duration(limit.max)
        ));
        value = limit.max;
    }
    if (queue.content_based_deduplication && !queue.fifo) {
        queue.content_based_deduplication = false;
        notices.push_back(fmt::format(
            "queue {}: contentBasedDeduplication has no effect on a standard queue", queue.name
        ));
    }
}

void finish(Draft& draft) {
    ServerConfig& config = draft.config;
    const NodeAddress& address = draft.address;
    finish_references(config);
    if (address.given && !address.generate && address.host != "*") {
        const bool brackets = address.host.find(':') != std::string::npos;
        config.public_url = fmt::format(
            "{}://{}{}{}:{}",
            address.protocol,
            brackets ? "[" : "",
            address.host,
            brackets ? "]" : "",
            address.port
        );
    }
    if (!config.sqs.host_explicit) {
        draft.notices.emplace_back(
            "rest-sqs.bind-hostname is not set, listening on 127.0.0.1 where ElasticMQ would "
            "listen on all addresses"
        );
    }
    // ElasticMQ 1.7 has no second port, so its files may use ours for the first one.
    if (!draft.stats_given && config.sqs.port == config.admin.port && config.sqs.port != 0) {
        config.admin.port = 0;
        draft.notices.emplace_back("rest-sqs.bind-port is the admin port, which takes any other");
    }
}

}  // namespace tranter::cli::elasticmq
