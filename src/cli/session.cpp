#include "cli/session.hpp"

#include "base/unicode.hpp"
#include "cli/config_file.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace tranter::cli {

namespace {

constexpr std::string_view default_endpoint = "http://127.0.0.1:9324";
constexpr std::string_view default_region = "us-east-1";
constexpr Duration default_timeout = std::chrono::seconds(30);

/// Region that was asked for: flag, ARN, environment, profile; nothing when nobody said.
std::optional<std::string> choose_region(
    const Arguments& arguments, const aws::AwsSettings& settings, std::string_view queue
) {
    if (auto given = arguments.find("region")) return given;
    if (const auto arn = parse_queue_arn(queue)) return arn->region;
    return settings.region();
}

Result<ServiceUrl> choose_endpoint(
    const Arguments& arguments, const std::optional<std::string>& region, std::string_view queue
) {
    const auto given = arguments.find("endpoint");
    if (given == "aws" || arguments.is_on("aws")) {
        if (given && given != "aws") {
            return fail(
                Errc::invalid_argument, "--aws and --endpoint are both given, expected one"
            );
        }
        if (!region) {
            return fail(
                Errc::invalid_argument, "no AWS region is known, expected --region or AWS_REGION"
            );
        }
        return parse_service_url(aws::aws_sqs_url(*region));
    }
    if (given) return parse_service_url(*given);
    if (is_queue_url(queue)) {
        auto url = parse_service_url(queue);
        if (!url) return url;
        return parse_service_url(url->origin());
    }
    const Environment environment = process_environment();
    for (const char* name : {"TRANTER_SQS_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"}) {
        const char* value = environment(name);
        if (value != nullptr && *value != '\0') return parse_service_url(value);
    }
    return parse_service_url(default_endpoint);
}

/// What the terminal answers; empty at its end.
Result<std::string> ask(std::string_view prompt) {
    if (!is_terminal(STDIN_FILENO) || !is_terminal(STDERR_FILENO)) {
        return fail(
            Errc::invalid_argument,
            "this cannot be undone and there is no terminal to ask, expected --yes"
        );
    }
    write_all(STDERR_FILENO, prompt);
    LineReader reader(STDIN_FILENO, "stdin");
    std::string answer;
    if (!reader.next(answer)) answer.clear();
    return answer;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const Arguments& arguments, std::string_view queue) {
    const auto timeout = arguments.duration("timeout");
    if (!timeout) return std::unexpected(timeout.error());
    if (timeout->value_or(default_timeout) <= Duration::zero()) {
        return fail(Errc::invalid_argument, "--timeout is zero, expected a duration like 30s");
    }
    http::Client metadata;
    const auto settings = aws::AwsSettings::load(
        {.profile = arguments.text("profile"),
         .environment = process_environment(),
         .fetch =
             [&](const http::ClientRequest& request) {
                 return metadata.send(request);
             }}
    );
    if (!settings) return std::unexpected(settings.error());
    const auto region = choose_region(arguments, *settings, queue);
    auto endpoint = choose_endpoint(arguments, region, queue);
    if (!endpoint) return std::unexpected(endpoint.error());
    auto credentials = aws::credentials_for(*settings, *endpoint);
    if (!credentials) return std::unexpected(credentials.error());

    // What the host name says is what its signatures have to name.
    std::string signed_region = region.value_or(std::string(default_region));
    if (auto named = endpoint->aws_region()) signed_region = *named;
    SqsClient client(
        {.endpoint = std::move(*endpoint),
         .region = std::move(signed_region),
         .credentials = std::move(*credentials),
         .timeout = timeout->value_or(default_timeout)}
    );
    return std::make_unique<Session>(std::move(client), stdout_options(arguments));
}

std::vector<Option> with_connection_options(std::vector<Option> own) {
    const std::vector<Option> shared{
        output_option(),
        {.name = "endpoint",
         .value = "URL",
         .help = "SQS endpoint, or `aws` for that of the region (default: $TRANTER_SQS_URL, "
                 "$AWS_ENDPOINT_URL_SQS, $AWS_ENDPOINT_URL, http://127.0.0.1:9324)"},
        {.name = "aws", .value = "", .help = "the same as --endpoint aws"},
        {.name = "region",
         .value = "REGION",
         .help = "AWS region (default: $AWS_REGION, the profile's, us-east-1 off AWS)"},
        {.name = "profile",
         .value = "NAME",
         .help = "profile in ~/.aws to take credentials and region from (default: $AWS_PROFILE)"},
        {.name = "timeout",
         .value = "DURATION",
         .help = "how long one request may take, e.g. 500ms (default: 30s)"},
    };
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
}

Result<> confirm(const Arguments& arguments, std::string_view question) {
    if (arguments.is_on("yes")) return {};
    const auto answer = ask(fmt::format("{} [y/N] ", printable(question)));
    if (!answer) return std::unexpected(answer.error());
    if (*answer == "y" || *answer == "Y" || *answer == "yes") return {};
    return fail(Errc::cancelled, "nothing was changed");
}

Result<> confirm_by_word(
    const Arguments& arguments, std::string_view question, std::string_view word
) {
    if (arguments.is_on("yes")) return {};
    const auto answer =
        ask(fmt::format("{} Type {} to go on: ", printable(question), printable(word)));
    if (!answer) return std::unexpected(answer.error());
    if (*answer == word) return {};
    return fail(Errc::cancelled, "nothing was changed");
}

}  // namespace tranter::cli
