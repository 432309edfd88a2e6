#include "cli/queue_settings.hpp"

#include "base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tranter::cli {
namespace {

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

/// Attributes that keys of the configuration stand for.
constexpr std::array<std::string_view, 3> configured_attributes{
    "RedriveAllowPolicy", "DeduplicationScope", "FifoThroughputLimit"};

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
    return settings;
}

broker::QueueSettings merge_settings(
    const broker::QueueSettings& restored, broker::QueueSettings configured
) {
    configured.tags.insert(restored.tags.begin(), restored.tags.end());
    for (const auto& [name, value] : restored.attributes) {
        if (std::ranges::find(configured_attributes, name) == configured_attributes.end()) {
            configured.attributes.emplace(name, value);
        }
    }
    return configured;
}

}  // namespace tranter::cli
