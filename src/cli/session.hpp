#pragma once

#include "aws/sqs_client.hpp"
#include "cli/args.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

// Every command over the SQS API speaks of these.
using aws::check_queue_name;
using aws::is_queue_url;
using aws::parse_queue_arn;
using aws::parse_service_url;
using aws::queue_name_of_url;
using aws::ServiceUrl;
using aws::SqsClient;

/// Everything a command over the SQS API works with, made from its arguments: where to call and as
/// whom, where to print, where to show progress. Lives on one thread for the time of one command.
class Session {
  public:
    /// `queue` is the queue argument, if there is one: a queue URL says where to call unless
    /// --endpoint does. Errors: `invalid_argument` (endpoint, region, timeout), `unauthenticated`
    /// (an endpoint that is not this machine, and no credentials).
    static Result<std::unique_ptr<Session>> open(
        const Arguments& arguments, std::string_view queue = {}
    );

    // Neither copyable nor movable: output refers to progress.
    Session(SqsClient sqs_client, Output::Options output_options)
        : client(std::move(sqs_client)), output(with_progress(output_options)) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Progress progress{};
    SqsClient client;
    Output output;

  private:
    Output::Options with_progress(Output::Options options) {
        options.progress = &progress;
        return options;
    }
};

/// The options that every command over the SQS API has, behind its own.
std::vector<Option> with_connection_options(std::vector<Option> own);

/// Asks "... [y/N]" on the terminal. Without one there is nobody to ask: `invalid_argument` that
/// says to use --yes. Failed with `cancelled` when the answer is no.
[[nodiscard]] Result<> confirm(const Arguments& arguments, std::string_view question);
/// The same for what is gone afterwards: the answer has to be `word`.
[[nodiscard]] Result<> confirm_by_word(
    const Arguments& arguments, std::string_view question, std::string_view word
);

}  // namespace tranter::cli
