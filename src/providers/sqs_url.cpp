#include "providers/sqs_url.hpp"

#include "aws/sqs_client.hpp"
#include "base/encoding.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace tranter::providers {

namespace {

constexpr std::string_view sqs_scheme = "sqs:";
constexpr std::string_view local_account = "000000000000";
constexpr std::string_view type_parameter = "default_type";
constexpr std::string_view sqs_url_form =
    "expected sqs:https://sqs.REGION.amazonaws.com/ACCOUNT or sqs:http://HOST:PORT/ACCOUNT, with "
    "/QUEUE behind it for one queue alone";

std::unexpected<Error> refuse_sqs_url(std::string_view url, std::string_view why) {
    return fail(
        Errc::invalid_argument, fmt::format("store {} {}, {}", in_quotes(url), why, sqs_url_form)
    );
}

bool is_account(std::string_view segment) {
    return segment.size() == local_account.size() &&
           std::ranges::all_of(segment, [](char c) { return c >= '0' && c <= '9'; });
}

Result<> read_parameter(std::string_view parameter, SqsUrl& url) {
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    if (name != type_parameter) {
        const auto known = std::to_array<std::string_view>({type_parameter});
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "the URL of an sqs: store has no parameter {}{}, expected default_type=TYPE",
                in_quotes(name),
                did_you_mean(name, known)
            )
        );
    }
    const auto value = percent_decode(parameter.substr(std::min(equals + 1, parameter.size())));
    if (!value || !is_valid_kind(*value)) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "default_type is {}, expected 1 to {} letters, digits and _ - . : /",
                in_quotes(value.value_or(std::string(parameter))),
                kind_bytes_max
            )
        );
    }
    url.default_type = *value;
    return {};
}

std::vector<std::string_view> path_segments(std::string_view path) {
    std::vector<std::string_view> segments;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::size_t end = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

}  // namespace

std::string SqsUrl::queue_url(std::string_view name) const {
    return fmt::format("{}/{}/{}", endpoint.text, account, name);
}

Result<SqsUrl> parse_sqs_url(std::string_view text) {
    const std::string_view whole = text;
    if (!text.starts_with(sqs_scheme)) return refuse_sqs_url(whole, "does not begin with sqs:");
    text.remove_prefix(sqs_scheme.size());
    SqsUrl url;
    const std::size_t query = std::min(text.find('?'), text.size());
    std::string_view parameters = text.substr(query);
    text = text.substr(0, query);
    while (!parameters.empty()) {
        parameters.remove_prefix(1);
        const std::size_t end = std::min(parameters.find('&'), parameters.size());
        if (auto read = read_parameter(parameters.substr(0, end), url); !read) {
            return std::unexpected(read.error());
        }
        parameters.remove_prefix(end);
    }

    auto service = aws::parse_service_url(text);
    if (!service) return std::unexpected(service.error());
    auto segments = path_segments(service->path);
    const auto account = std::ranges::find_if(segments, is_account);
    if (account == segments.end()) {
        // On this machine there is one account, and nobody remembers its number.
        if (!segments.empty() || !service->is_loopback()) {
            return refuse_sqs_url(whole, "names no account of 12 digits");
        }
        url.account = local_account;
    } else {
        url.account = *account;
        const auto behind = std::distance(account, segments.end()) - 1;
        if (behind > 1) return refuse_sqs_url(whole, "goes on behind the name of a queue");
        if (behind == 1) url.queue = segments.back();
    }
    if (!url.queue.empty()) {
        if (auto checked = aws::check_queue_name(url.queue); !checked) {
            return std::unexpected(checked.error());
        }
    }
    std::string endpoint = service->origin();
    for (auto segment = segments.begin(); segment != account; ++segment) {
        endpoint.append("/").append(*segment);
    }
    auto parsed = aws::parse_service_url(endpoint);
    if (!parsed) return std::unexpected(parsed.error());
    url.endpoint = std::move(*parsed);
    return url;
}

}  // namespace tranter::providers
