#include "sqs/receive_filter.hpp"

#include "sqs/attribute_table.hpp"

#include <fmt/format.h>

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

Outcome<> MessageAttributeFilter::add(std::span<const std::string_view> wanted) {
    for (const std::string_view name : wanted) {
        if (name == "All" || name == ".*" || name == "*") {
            all_ = true;
            continue;
        }
        const bool prefix = name.ends_with(".*");
        const std::string_view kept = prefix ? name.substr(0, name.size() - 2) : name;
        if (kept.size() > attribute_name_bytes_max) continue;
        bytes_ += sizeof(std::string) + kept.size();
        if (bytes_ > bytes_max) {
            return failed(
                Code::invalid_parameter_value,
                fmt::format(
                    "The names in MessageAttributeNames take more than {} bytes; All selects every "
                    "attribute.",
                    bytes_max
                )
            );
        }
        (prefix ? prefixes_ : names_).emplace_back(kept);
    }
    return {};
}

bool MessageAttributeFilter::matches(std::string_view name) const {
    return all_ || std::ranges::find(names_, name) != names_.end() ||
           std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
               return name.starts_with(prefix);
           });
}

}  // namespace tranter::sqs
