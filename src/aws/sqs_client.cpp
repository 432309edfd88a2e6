#include "aws/sqs_client.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <thread>
#include <utility>

namespace tranter::aws {

namespace {

using http::ClientRequest;
using http::ClientResponse;

constexpr std::chrono::milliseconds first_pause(200);
constexpr int list_page = 1000;

constexpr auto errc_by_aws_code = std::to_array<std::pair<std::string_view, Errc>>({
    {"AWS.SimpleQueueService.NonExistentQueue", Errc::not_found},
    {"QueueDoesNotExist", Errc::not_found},
    {"ResourceNotFoundException", Errc::not_found},
    {"QueueAlreadyExists", Errc::already_exists},
    {"QueueNameExists", Errc::already_exists},
    {"QueueDeletedRecently", Errc::conflict},
    {"PurgeQueueInProgress", Errc::conflict},
    {"MessageNotInflight", Errc::conflict},
    {"OverLimit", Errc::limit_exceeded},
    {"RequestThrottled", Errc::limit_exceeded},
    {"Throttling", Errc::limit_exceeded},
    {"ThrottlingException", Errc::limit_exceeded},
    {"InvalidClientTokenId", Errc::unauthenticated},
    {"UnrecognizedClientException", Errc::unauthenticated},
    {"SignatureDoesNotMatch", Errc::unauthenticated},
    {"InvalidSignatureException", Errc::unauthenticated},
    {"IncompleteSignature", Errc::unauthenticated},
    {"MissingAuthenticationToken", Errc::unauthenticated},
    {"RequestExpired", Errc::unauthenticated},
    {"ExpiredToken", Errc::unauthenticated},
    {"ExpiredTokenException", Errc::unauthenticated},
    {"InvalidSecurity", Errc::unauthenticated},
    {"AccessDenied", Errc::permission_denied},
    {"AccessDeniedException", Errc::permission_denied},
    {"ReceiptHandleIsInvalid", Errc::invalid_argument},
    {"InvalidParameterValue", Errc::invalid_argument},
    {"InvalidParameterValueException", Errc::invalid_argument},
    {"MissingParameter", Errc::invalid_argument},
    {"MissingRequiredParameterException", Errc::invalid_argument},
    {"InvalidAttributeName", Errc::invalid_argument},
    {"InvalidAttributeValue", Errc::invalid_argument},
    {"InvalidMessageContents", Errc::invalid_argument},
    {"InvalidAddress", Errc::invalid_argument},
    {"BatchRequestTooLong", Errc::invalid_argument},
    {"UnsupportedOperation", Errc::unsupported},
    {"InvalidAction", Errc::invalid_argument},
    {"UnknownOperationException", Errc::invalid_argument},
    {"ServiceUnavailable", Errc::unavailable},
});

Errc errc_of_status(int status) {
    switch (status) {
        case 401:
            return Errc::unauthenticated;
        case 403:
            return Errc::permission_denied;
        case 404:
            return Errc::not_found;
        case 429:
            return Errc::limit_exceeded;
        case 502:
        case 503:
            return Errc::unavailable;
        case 504:
            return Errc::timed_out;
        default:
            return status >= 400 && status < 500 ? Errc::invalid_argument : Errc::internal;
    }
}

std::string_view find_header(const ClientResponse& response, std::string_view name) {
    for (const auto& [header, value] : response.headers) {
        if (header == name) return value;
    }
    return {};
}

bool is_throttled(const Error& error) {
    return error.code() == Errc::limit_exceeded && error.message().contains("Throttl");
}

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

}  // namespace

Errc errc_of_aws_code(std::string_view code) {
    constexpr std::string_view prefix = "AWS.SimpleQueueService.";
    const std::string_view bare = code.starts_with(prefix) ? code.substr(prefix.size()) : code;
    for (const auto& [known, errc] : errc_by_aws_code) {
        if (known == code || known == bare) return errc;
    }
    return Errc::internal;
}

Error error_of_answer(const ClientResponse& response, const ServiceUrl& endpoint) {
    const auto body = Json::parse(response.body);
    std::string code;
    std::string message;
    if (body) {
        // "com.amazonaws.sqs#QueueDoesNotExist"
        const std::string_view type = (*body)["__type"].text();
        code = type.substr(type.find('#') + 1);
        message = (*body)["message"].text();
        if (message.empty()) message = (*body)["Message"].text();
    }
    if (code.empty()) {
        return {
            errc_of_status(response.status),
            fmt::format(
                "{} answered HTTP {} and not as an SQS endpoint does, expected an endpoint like "
                "http://127.0.0.1:9324",
                endpoint.text,
                response.status
            )};
    }
    Errc errc = errc_of_aws_code(code);
    if (errc == Errc::internal) errc = errc_of_status(response.status);
    // SDKs show the older code, and that is what people search for.
    const std::string_view query = find_header(response, "x-amzn-query-error");
    if (!query.empty()) code = query.substr(0, query.find(';'));
    return {errc, message.empty() ? code : fmt::format("{}: {}", code, message)};
}

Result<Json> SqsClient::call(
    std::string_view action, const Json& input, Duration wait, std::stop_token stop
) {
    const ClientRequest request{
        .method = "POST",
        .url = options_.endpoint.text + "/",
        .headers =
            {{"Content-Type", "application/x-amz-json-1.0"},
             {"X-Amz-Target", fmt::format("AmazonSQS.{}", action)}},
        .body = input.is_null() ? "{}" : input.dump(),
        .timeout = options_.timeout + wait,
        .signing =
            http::Signing{
                .region = options_.region,
                .service = "sqs",
                .access_key = options_.credentials.access_key,
                .secret_key = options_.credentials.secret_key,
                .session_token = options_.credentials.session_token,
            },
        .stop = std::move(stop),
    };
    auto pause = first_pause;
    for (int attempt = 1;; ++attempt) {
        auto answer = call_once(action, request);
        if (answer || attempt >= options_.attempts_max || !is_throttled(answer.error())) {
            return answer;
        }
        std::this_thread::sleep_for(pause);
        pause *= 4;
    }
}

Result<Json> SqsClient::call_once(std::string_view action, const ClientRequest& request) {
    const auto response = http_.send(request);
    if (!response) return std::unexpected(response.error());
    if (response->status != 200) {
        return std::unexpected(error_of_answer(*response, options_.endpoint));
    }
    if (response->body.empty()) return Json(Json::Object());
    auto answer = Json::parse(response->body);
    if (answer && answer->is_object()) return answer;
    return fail(
        Errc::internal,
        fmt::format(
            "{} did not answer {} with a JSON object, expected an SQS endpoint",
            options_.endpoint.text,
            action
        )
    );
}

Result<std::string> SqsClient::queue_url(std::string_view queue) {
    if (is_queue_url(queue)) return std::string(queue);
    Json input;
    if (const auto arn = parse_queue_arn(queue)) {
        input.set("QueueName", arn->name).set("QueueOwnerAWSAccountId", arn->account);
    } else {
        if (auto checked = check_queue_name(queue); !checked) {
            return std::unexpected(checked.error());
        }
        input.set("QueueName", queue);
    }
    const auto answer = call("GetQueueUrl", input);
    if (!answer) {
        const Error& error = answer.error();
        if (error.code() != Errc::not_found) return std::unexpected(error);
        return fail(
            Errc::not_found,
            fmt::format("queue {} at {}: {}", in_quotes(queue), endpoint().text, error.message())
        );
    }
    return std::string((*answer)["QueueUrl"].text());
}

Result<Json> SqsClient::attributes(const std::string& queue_url) {
    Json names;
    names.push("All");
    Json input;
    input.set("QueueUrl", queue_url).set("AttributeNames", std::move(names));
    const auto answer = call("GetQueueAttributes", input);
    if (!answer) return std::unexpected(answer.error());
    return (*answer)["Attributes"];
}

Result<std::string> SqsClient::queue_arn(std::string_view queue) {
    if (parse_queue_arn(queue)) return std::string(queue);
    const auto url = queue_url(queue);
    if (!url) return url;
    const auto all = attributes(*url);
    if (!all) return std::unexpected(all.error());
    return std::string((*all)["QueueArn"].text());
}

Result<std::vector<std::string>> SqsClient::list_queues(std::string_view prefix) {
    std::vector<std::string> urls;
    std::string token;
    do {
        Json input;
        input.set("MaxResults", list_page);
        if (!prefix.empty()) input.set("QueueNamePrefix", prefix);
        if (!token.empty()) input.set("NextToken", token);
        const auto answer = call("ListQueues", input);
        if (!answer) return std::unexpected(answer.error());
        for (const Json& url : (*answer)["QueueUrls"].items()) {
            urls.emplace_back(url.text());
        }
        token = (*answer)["NextToken"].text();
    } while (!token.empty());
    return urls;
}

std::string queue_name_of_url(std::string_view url) {
    while (url.ends_with('/')) {
        url.remove_suffix(1);
    }
    return std::string(url.substr(url.rfind('/') + 1));
}

std::optional<QueueArn> parse_queue_arn(std::string_view text) {
    std::vector<std::string> parts;
    while (parts.size() < 5) {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        parts.emplace_back(text.substr(0, colon));
        text.remove_prefix(colon + 1);
    }
    if (parts[0] != "arn" || parts[2] != "sqs" || text.empty()) return std::nullopt;
    return QueueArn{.region = parts[3], .account = parts[4], .name = std::string(text)};
}

Result<> check_queue_name(std::string_view name) {
    if (name.empty()) {
        return fail(Errc::invalid_argument, "the queue name is empty, expected a name, URL or ARN");
    }
    if (name.starts_with('-')) {
        return fail(
            Errc::invalid_argument,
            fmt::format("queue name {} starts with a dash, expected a letter", in_quotes(name))
        );
    }
    if (std::ranges::all_of(name, is_name_character)) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "queue name {} has characters other than letters, digits, '-', '_' and a final '.fifo'",
            in_quotes(name)
        )
    );
}

}  // namespace tranter::aws
