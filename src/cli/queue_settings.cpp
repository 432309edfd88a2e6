#include "cli/queue_settings.hpp"

#include "base/json_writer.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace tranter::cli {
namespace {

constexpr std::string_view job_type_attribute = providers::default_type_attribute;

engine::Fairness fairness(GroupFairness fair) {
    switch (fair) {
        case GroupFairness::aws:
            return engine::Fairness::aws;
        case GroupFairness::round_robin:
            return engine::Fairness::round_robin;
        case GroupFairness::off:
            break;
    }
    return engine::Fairness::off;
}

std::string arn(const ServerConfig& config, const std::string& queue) {
    return "arn:aws:sqs:" + config.region + ":" + config.account + ":" + queue;
}

/// The attribute RedriveAllowPolicy; empty for its default, allowAll.
std::string redrive_allow_policy(const RedriveAllowConfig& allow, const ServerConfig& config) {
    if (allow.permission == RedrivePermission::allow_all) return {};
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    if (allow.permission == RedrivePermission::deny_all) {
        json.member("redrivePermission", "denyAll");
    } else {
        json.member("redrivePermission", "byQueue").key("sourceQueueArns").begin_array();
        for (const std::string& source : allow.sources)
            json.value(arn(config, source));
        json.end_array();
    }
    json.end_object();
    return text;
}

void copy_attribute(
    broker::QueueSettings& to, const broker::QueueSettings& from, const std::string& name
) {
    to.attributes.erase(name);
    if (const auto found = from.attributes.find(name); found != from.attributes.end()) {
        to.attributes.insert(*found);
    }
}

/// What one key, or two that belong together, are about.
struct Setting {
    std::string_view key;
    bool has_api;  // whether SQS has an attribute for it
    void (*copy)(broker::QueueSettings& to, const broker::QueueSettings& from);
};

using Settings = broker::QueueSettings;

constexpr Setting all_settings[] = {
    {"visibility_timeout",
     true,
     [](Settings& to, const Settings& from) {
         to.engine.visibility_timeout = from.engine.visibility_timeout;
     }},
    {"delay",
     true,
     [](Settings& to, const Settings& from) {
         to.engine.delay = from.engine.delay;
     }},
    {"retention",
     true,
     [](Settings& to, const Settings& from) {
         to.engine.retention = from.engine.retention;
     }},
    {"receive_wait",
     true,
     [](Settings& to, const Settings& from) {
         to.receive_wait = from.receive_wait;
     }},
    {"max_message_size",
     true,
     [](Settings& to, const Settings& from) {
         to.max_message_bytes = from.max_message_bytes;
     }},
    {"content_based_deduplication",
     true,
     [](Settings& to, const Settings& from) {
         to.content_based_deduplication = from.content_based_deduplication;
     }},
    {"deduplication_scope",
     true,
     [](Settings& to, const Settings& from) {
         to.engine.deduplication_scope = from.engine.deduplication_scope;
         copy_attribute(to, from, "DeduplicationScope");
     }},
    {"fifo_throughput_limit",
     true,
     [](Settings& to, const Settings& from) {
         copy_attribute(to, from, "FifoThroughputLimit");
     }},
    {"dead_letter.queue",
     true,
     [](Settings& to, const Settings& from) {
         to.dead_letter_queue = from.dead_letter_queue;
         to.engine.max_receives = from.engine.max_receives;
     }},
    {"redrive_allow",
     true,
     [](Settings& to, const Settings& from) {
         copy_attribute(to, from, "RedriveAllowPolicy");
     }},
    {"groups",
     false,
     [](Settings& to, const Settings& from) {
         to.engine.groups = from.engine.groups;
     }},
    {"max_in_flight",
     false,
     [](Settings& to, const Settings& from) {
         to.engine.max_in_flight = from.engine.max_in_flight;
     }},
    {"max_bytes",
     false,
     [](Settings& to, const Settings& from) {
         to.bytes_max = from.bytes_max;
     }},
    {"tags",
     false,
     [](Settings& to, const Settings& from) {
         to.tags = from.tags;
     }},
    {"job_type",
     false,
     [](Settings& to, const Settings& from) {
         copy_attribute(to, from, std::string(job_type_attribute));
     }},
    {"copy_to",
     false,
     [](Settings& to, const Settings& from) {
         to.copy_to = from.copy_to;
     }},
    {"move_to",
     false,
     [](Settings& to, const Settings& from) {
         to.move_to = from.move_to;
     }},
};

}  // namespace

broker::QueueSettings queue_settings(const QueueConfig& queue, const ServerConfig& config) {
    const std::int64_t max_in_flight = queue.max_in_flight == QueueConfig::server_default
                                           ? config.max_in_flight
                                           : queue.max_in_flight;
    broker::QueueSettings settings{
        .engine =
            {.visibility_timeout = queue.visibility_timeout,
             .delay = queue.delay,
             .retention = queue.retention,
             .deduplication_scope = queue.deduplication_scope == DeduplicationScope::message_group
                                        ? engine::DeduplicationScope::message_group
                                        : engine::DeduplicationScope::queue,
             .max_receives = queue.dead_letter.max_receives,
             .max_in_flight = static_cast<std::uint32_t>(max_in_flight),
             .groups =
                 {.order = queue.fifo ? engine::Order::fifo : engine::Order::none,
                  .fairness = fairness(queue.groups.fair),
                  .max_in_flight_per_group = queue.groups.max_in_flight,
                  .max_queued_per_group = queue.groups.max_queued}},
        .receive_wait = queue.receive_wait,
        .max_message_bytes = static_cast<std::uint32_t>(queue.max_message_size),
        .bytes_max = queue.max_bytes,
        .content_based_deduplication = queue.content_based_deduplication,
        .dead_letter_queue = queue.dead_letter.queue,
        .copy_to = queue.copy_to,
        .move_to = queue.move_to,
        .tags = queue.tags};
    if (auto policy = redrive_allow_policy(queue.redrive_allow, config); !policy.empty()) {
        settings.attributes["RedriveAllowPolicy"] = std::move(policy);
    }
    if (queue.deduplication_scope == DeduplicationScope::message_group) {
        settings.attributes["DeduplicationScope"] = "messageGroup";
    }
    if (queue.fifo_throughput_limit == FifoThroughputLimit::per_message_group_id) {
        settings.attributes["FifoThroughputLimit"] = "perMessageGroupId";
    }
    if (!queue.job_type.empty()) {
        settings.attributes[std::string(job_type_attribute)] = queue.job_type;
    }
    return settings;
}

broker::QueueSettings merge_settings(
    const broker::QueueSettings& restored, const QueueConfig& queue, const ServerConfig& config
) {
    const broker::QueueSettings configured = queue_settings(queue, config);
    broker::QueueSettings wanted = restored;
    for (const Setting& setting : all_settings) {
        if (setting.has_api && !queue.written.paths.contains(setting.key)) continue;
        setting.copy(wanted, configured);
    }
    wanted.tags.insert(restored.tags.begin(), restored.tags.end());
    return wanted;
}

std::string describe_changes(
    const broker::QueueSettings& before, const broker::QueueSettings& after
) {
    std::vector<std::string_view> keys;
    for (const Setting& setting : all_settings) {
        broker::QueueSettings changed = before;
        setting.copy(changed, after);
        if (changed != before) keys.push_back(setting.key);
    }
    return fmt::format("{}", fmt::join(keys, ", "));
}

}  // namespace tranter::cli
