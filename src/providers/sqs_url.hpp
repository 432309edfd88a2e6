#pragma once

#include "aws/service_url.hpp"
#include "base/error.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tranter::providers {

/// What `sqs:URL` names.
struct SqsUrl {
    aws::ServiceUrl endpoint{};  // where requests go
    std::string account{};       // 12 digits
    std::string queue{};         // the only one; empty: any
    /// Of messages that do not say what they are: `?default_type=` of the URL.
    std::string default_type = "message";
    /// Of queues whose redrive policy does not count; not part of the URL.
    std::map<std::string, std::string, std::less<>> dead_letter_queues{};

    /// What SQS calls a queue. Made from the endpoint, never asked for: a server behind a port that
    /// was forwarded answers a host that cannot be reached from here.
    std::string queue_url(std::string_view name) const;
};

/// Reads `sqs:http://HOST:PORT/ACCOUNT[/QUEUE][?default_type=TYPE]`. The account may be left out on
/// this machine. `invalid_argument` says what is wrong.
[[nodiscard]] Result<SqsUrl> parse_sqs_url(std::string_view text);

}  // namespace tranter::providers
