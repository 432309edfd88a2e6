#pragma once

#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tranter::aws {

/// Where an HTTP service answers: scheme, host, port and a path in front of everything.
struct ServiceUrl {
    std::string text{};  // without a slash at the end
    std::string host{};  // without brackets, lower case
    int port = 0;
    std::string path{};  // "" or "/..."

    /// Scheme, host and port.
    std::string origin() const { return text.substr(0, text.size() - path.size()); }
    /// 127.0.0.0/8, ::1 and localhost: this machine, where no real credentials are needed.
    bool is_loopback() const;
    bool is_aws() const;
    /// The region in sqs.REGION.amazonaws.com and its like.
    std::optional<std::string> aws_region() const;
};

/// Reads "http://host:port/path", "https://..." or "host:port". A user name or password in it is
/// refused, and like everything behind it never repeated in the error.
[[nodiscard]] Result<ServiceUrl> parse_service_url(std::string_view text);

/// The SQS endpoint of an AWS region.
std::string aws_sqs_url(std::string_view region);

}  // namespace tranter::aws
