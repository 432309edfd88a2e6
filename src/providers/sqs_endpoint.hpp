#pragma once

#include "aws/json.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

#include <stop_token>
#include <string_view>

namespace tranter::providers {

struct SqsCall {
    std::string_view action{};
    const aws::Json& input;
    Duration wait{};         // how long the server may take on purpose
    std::stop_token stop{};  // ends it at once with `cancelled`
};

/// Whatever speaks SQS: a server, or a test that says what it answers. Thread-safe.
class SqsEndpoint {
  public:
    virtual ~SqsEndpoint() = default;
    /// Where it is, for errors.
    virtual std::string_view name() const = 0;
    /// Blocks. Errors name action and endpoint; the AWS code stands in their text.
    [[nodiscard]] virtual Result<aws::Json> call(const SqsCall& call) = 0;
};

}  // namespace tranter::providers
