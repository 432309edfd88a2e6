#pragma once

#include "aws/aws_credentials.hpp"
#include "aws/sqs_client.hpp"
#include "providers/sqs_endpoint.hpp"

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// An SQS server over HTTP: as many connections as there are calls at a time, each call signed.
///
/// Nothing is connected before the first call. Credentials are looked for then, and again when the
/// server says that they are no longer good, since those of roles end. What the server refuses as
/// too much or as its own fault is repeated after a rest, for some ten seconds; what got lost on
/// the way is not, because it may have happened.
class SqsConnections final : public SqsEndpoint {
  public:
    /// `invalid_argument` when AWS_PROFILE names a profile that is not there.
    static Result<std::unique_ptr<SqsConnections>> open(const aws::ServiceUrl& endpoint);

    std::string_view name() const override { return endpoint_.text; }
    [[nodiscard]] Result<aws::Json> call(const SqsCall& call) override;

  private:
    struct Connection {
        aws::SqsClient client;
        unsigned generation = 0;  // of its credentials
    };
    using Pointer = std::unique_ptr<Connection>;

    // Constant after construction.
    aws::ServiceUrl endpoint_{};
    std::string region_{};

    std::mutex credentials_mutex_{};
    aws::AwsCredentials credentials_{};  // guarded by credentials_mutex_, as the next three
    unsigned generation_ = 0;            // 0: none were looked for
    Instant found_at_{};
    SteadyClock clock_{};

    std::mutex idle_mutex_{};
    std::vector<Pointer> idle_{};  // guarded by idle_mutex_

    explicit SqsConnections(aws::ServiceUrl endpoint) : endpoint_(std::move(endpoint)) {}

    static Result<aws::AwsSettings> load_settings();
    Result<> find_credentials();
    Result<Pointer> connect();
    /// Whether there are others than those of `generation` now.
    bool renew_credentials(unsigned generation);
    Result<aws::Json> call_once(const SqsCall& call);
};

}  // namespace tranter::providers
