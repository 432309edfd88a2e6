#pragma once

#include "sqs/failure.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// The access policy of a queue as AddPermission and RemovePermission edit it (SQS_SPEC 4.3). The
/// server keeps and shows policies; it does not act on them.
namespace tranter::sqs {

inline constexpr std::size_t policy_bytes_max = 8192;

struct Permission {
    std::string_view label;
    std::span<const std::string_view> accounts;
    std::span<const std::string_view> actions;  // "SendMessage", "*"
};

/// The policy with one statement more; `policy` is empty when the queue has none. Other statements
/// keep their content.
[[nodiscard]] Outcome<std::string> add_statement(
    std::string_view policy, std::string_view queue_arn, const Permission& permission
);

/// The policy without the statement of that label; empty when it was the last.
[[nodiscard]] Outcome<std::string> remove_statement(
    std::string_view policy, std::string_view label
);

}  // namespace tranter::sqs
