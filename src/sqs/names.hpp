#pragma once

#include "sqs/failure.hpp"
#include "sqs/service.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Queue names, URLs and ARNs into each other (SQS_SPEC 2).
namespace tranter::sqs {

/// Host, account and scheme do not matter: the last segment is the name, and a bare name is a URL.
/// InvalidAddress when it is neither.
[[nodiscard]] Outcome<std::string_view> queue_name_of_url(std::string_view url);

/// The queue that a request's path addresses; nothing for the root. The context path, if any, is
/// the options'.
std::string_view queue_name_of_path(std::string_view path, std::string_view context_path);

/// `host` is the request's Host header; used when the options name no public URL.
std::string queue_url(const ServiceOptions& options, std::string_view host, std::string_view queue);

std::string queue_arn(const ServiceOptions& options, std::string_view queue);
/// The queue's name, or nothing when this is not an ARN of a queue. Region and account may be
/// anything: there is one name space.
std::optional<std::string_view> queue_name_of_arn(std::string_view arn);

}  // namespace tranter::sqs
