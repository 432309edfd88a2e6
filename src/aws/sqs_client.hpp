#pragma once

#include "aws/aws_credentials.hpp"
#include "aws/json.hpp"
#include "aws/service_url.hpp"
#include "base/time.hpp"
#include "http/client.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::aws {

/// Calls any SQS endpoint with the AWS JSON 1.0 protocol, each request signed.
/// Errors: the server's refusals by their AWS code, which stands in front of the message;
/// `unavailable` and `timed_out` name the endpoint.
class SqsClient {
  public:
    struct Options {
        ServiceUrl endpoint{};
        std::string region{};
        AwsCredentials credentials{};
        Duration timeout = std::chrono::seconds(30);
        int attempts_max = 3;  // of a throttled request; the AWS SDKs' standard mode tries as often
    };

    explicit SqsClient(Options options) : options_(std::move(options)) {}

    const ServiceUrl& endpoint() const { return options_.endpoint; }

    void set_credentials(AwsCredentials credentials) {
        options_.credentials = std::move(credentials);
    }

    /// Sends one action. `wait` is how long the server may take on purpose (a long poll); it comes
    /// on top of the timeout. Throttled requests are repeated a few times. `stop` ends the call at
    /// once with `cancelled`, from any thread.
    [[nodiscard]] Result<Json> call(
        std::string_view action, const Json& input, Duration wait = {}, std::stop_token stop = {}
    );

    /// The URL of a queue that is named by its name, its URL or its ARN.
    [[nodiscard]] Result<std::string> queue_url(std::string_view queue);
    /// The attributes of a queue, all of them.
    [[nodiscard]] Result<Json> attributes(const std::string& queue_url);
    /// The ARN of a queue that is named by its name, its URL or its ARN.
    [[nodiscard]] Result<std::string> queue_arn(std::string_view queue);
    /// The URLs of all queues whose names start with `prefix`.
    [[nodiscard]] Result<std::vector<std::string>> list_queues(std::string_view prefix);

  private:
    Options options_;
    http::Client http_{};

    Result<Json> call_once(std::string_view action, const http::ClientRequest& request);
};

/// What an AWS error code means to a caller; `internal` for codes that are not known.
Errc errc_of_aws_code(std::string_view code);

/// The failure that an answer other than 200 stands for.
Error error_of_answer(const http::ClientResponse& response, const ServiceUrl& endpoint);

/// The last segment of a queue URL.
std::string queue_name_of_url(std::string_view url);

/// arn:PARTITION:sqs:REGION:ACCOUNT:NAME in its parts.
struct QueueArn {
    std::string region{};
    std::string account{};
    std::string name{};
};
std::optional<QueueArn> parse_queue_arn(std::string_view text);

inline bool is_queue_url(std::string_view text) {
    return text.contains("://");
}

/// Refuses what cannot be a queue name, so that a slip is found before anything is sent. A name
/// that starts with a dash would be legal, and is nearly always an option that went astray.
[[nodiscard]] Result<> check_queue_name(std::string_view name);

}  // namespace tranter::aws
