#pragma once

#include "broker/broker.hpp"
#include "sqs/failure.hpp"
#include "sqs/input.hpp"
#include "sqs/service.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The attributes of a queue (SQS_SPEC 4.1): one row each says how it is checked, stored and shown.
namespace tranter::sqs {

bool is_queue_attribute(std::string_view name);

/// For whom attributes are set.
struct AttributeTarget {
    const ServiceOptions& options;
    broker::Broker& broker;  // to look dead-letter queues up
    std::string_view queue;  // name
    bool fifo = false;
    bool creating = false;
    bool dead_letter_queue_checked = false;  // true: RedrivePolicy need not be checked again
};

/// Checks all of them and what they mean together, and changes `settings`; on failure `settings`
/// is in no particular state.
[[nodiscard]] Outcome<> apply_attributes(
    const AttributeTarget& target,
    std::span<const NamedText> attributes,
    broker::QueueSettings& settings
);

/// Of what attributes are shown. Without a queue only those that settings alone decide; with one,
/// its counters, taken once, so that a message that moves meanwhile is in exactly one of them.
struct AttributeSource {
    const ServiceOptions& options;
    broker::Broker& broker;
    const broker::QueueSettings& settings;
    const broker::Queue* queue = nullptr;
    std::optional<engine::Counters> counters{};
};

/// The text of one attribute, or nothing when it has no value. The name is one that
/// is_queue_attribute() knows.
std::optional<std::string> show_attribute(const AttributeSource& source, std::string_view name);

/// Every attribute's name, in the order in which All shows them.
std::span<const std::string_view> queue_attribute_names();

}  // namespace tranter::sqs
