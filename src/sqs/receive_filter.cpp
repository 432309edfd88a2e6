#include "sqs/receive_filter.hpp"

#include "sqs/attribute_table.hpp"

#include <algorithm>
#include <array>

namespace tranter::sqs {

namespace {

constexpr std::array<std::string_view, system_attribute_count> names{
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
};

}  // namespace

std::string_view system_attribute_name(SystemAttribute attribute) {
    return names[static_cast<std::size_t>(attribute)];
}

Outcome<> SystemAttributeFilter::add(std::span<const std::string_view> wanted) {
    for (const std::string_view name : wanted) {
        if (name == "All") {
            bits_ = (1U << system_attribute_count) - 1;
            continue;
        }
        const auto found = std::ranges::find(names, name);
        if (found != names.end()) {
            bits_ |= static_cast<std::uint16_t>(1U << (found - names.begin()));
        } else if (!is_queue_attribute(name)) {
            return Failed(unknown_attribute(name));
        }
    }
    return {};
}

MessageAttributeFilter::MessageAttributeFilter(std::span<const std::string_view> wanted) {
    for (const std::string_view name : wanted) {
        if (name == "All" || name == ".*" || name == "*") {
            all_ = true;
        } else if (name.ends_with(".*")) {
            prefixes_.emplace_back(name.substr(0, name.size() - 2));
        } else {
            names_.emplace_back(name);
        }
    }
}

bool MessageAttributeFilter::matches(std::string_view name) const {
    return all_ || std::ranges::find(names_, name) != names_.end() ||
           std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
               return name.starts_with(prefix);
           });
}

}  // namespace tranter::sqs
