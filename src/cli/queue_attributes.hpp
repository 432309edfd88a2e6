#pragma once

#include "aws/sqs_client.hpp"
#include "cli/args.hpp"
#include "cli/json.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// "visibility-timeout=30s" (our names, values with units) or "VisibilityTimeout=30" (AWS names,
/// values as AWS wants them) as a member of SQS `Attributes`.
[[nodiscard]] Result<JsonMember> parse_queue_attribute(std::string_view assignment);

/// The attributes that the options of `queue create` and `queue set` stand for, together with
/// `--attribute` and K=V words. Nothing is sent.
[[nodiscard]] Result<Json> collect_queue_attributes(const Arguments& arguments);

/// Adds RedrivePolicy for --dlq and --max-receives, or an empty one for --no-dlq. Asks the server
/// for the ARN of the dead-letter queue.
[[nodiscard]] Result<> add_redrive_policy(
    const Arguments& arguments, aws::SqsClient& client, Json& attributes
);

/// "key=value" words as a JSON object; null when there are none.
[[nodiscard]] Result<Json> collect_assignments(const Arguments& arguments, std::string_view option);

/// The options that collect_queue_attributes and add_redrive_policy read.
std::vector<Option> queue_attribute_options();

}  // namespace tranter::cli
