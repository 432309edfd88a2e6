#pragma once

#include "sqs/attribute_table.hpp"

#include <string>
#include <string_view>

/// RedrivePolicy and RedriveAllowPolicy, the two attributes that are JSON documents with rules.
namespace tranter::sqs {

/// Checks the document and the dead-letter queue that it names; "" removes the policy.
[[nodiscard]] Outcome<> apply_redrive_policy(
    const AttributeTarget& target, std::string_view text, broker::QueueSettings& settings
);
/// The policy as JSON, or nothing when there is none.
std::optional<std::string> show_redrive_policy(
    const ServiceOptions& options, const broker::QueueSettings& settings
);

/// Checks the document and keeps it; "" removes the policy.
[[nodiscard]] Outcome<> apply_redrive_allow_policy(
    std::string_view text, broker::QueueSettings& settings
);
/// Whether the queue with these settings lets `source` name it as its dead-letter queue.
bool allows_redrive_from(const broker::QueueSettings& settings, std::string_view source);

}  // namespace tranter::sqs
