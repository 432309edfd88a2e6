#include "aws/service_url.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace tranter::aws {

namespace {

constexpr auto aws_suffixes =
    std::to_array<std::string_view>({".amazonaws.com", ".amazonaws.com.cn", ".api.aws"});

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
    return fail(
        Errc::invalid_argument,
        fmt::format("endpoint {} {}, expected http://HOST:PORT", in_quotes(text), why)
    );
}

bool is_host_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == ':';
}

/// "host", "host:port", "[::1]:port".
Result<> read_authority(std::string_view text, std::string_view authority, ServiceUrl& url) {
    std::string_view host = authority;
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return refuse(text, "has no ']' behind its address");
        host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
    } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
        host = authority.substr(0, colon);
        port = authority.substr(colon);
    }
    if (host.empty()) return refuse(text, "names no host");
    if (!std::ranges::all_of(host, is_host_character)) return refuse(text, "has a bad host name");
    url.host.assign(host);
    std::ranges::transform(url.host, url.host.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    if (port.empty()) return {};
    port.remove_prefix(1);
    const char* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data(), end, url.port);
    if (error != std::errc() || stop != end || url.port < 1 || url.port > 65535) {
        return refuse(text, "has a port that is not 1 to 65535");
    }
    return {};
}

}  // namespace

bool ServiceUrl::is_loopback() const {
    return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
           host == "::1";
}

bool ServiceUrl::is_aws() const {
    return std::ranges::any_of(aws_suffixes, [this](auto suffix) {
        return host.ends_with(suffix);
    });
}

std::optional<std::string> ServiceUrl::aws_region() const {
    // sqs.eu-west-1.amazonaws.com, vpce-1.sqs.eu-west-1.vpce.amazonaws.com, but also the old
    // eu-west-1.queue.amazonaws.com.
    if (!is_aws()) return std::nullopt;
    constexpr std::string_view marker = "sqs.";
    const std::size_t at = host.find(marker);
    if (at != std::string::npos && (at == 0 || host[at - 1] == '.')) {
        const std::size_t first = at + marker.size();
        return host.substr(first, host.find('.', first) - first);
    }
    const std::size_t queue = host.find(".queue.");
    return queue == std::string::npos ? std::nullopt : std::optional(host.substr(0, queue));
}

Result<ServiceUrl> parse_service_url(std::string_view text) {
    constexpr std::string_view separator = "://";
    const std::size_t scheme_end = text.find(separator);
    std::string_view scheme = "http";
    std::string_view rest = text;
    if (scheme_end != std::string_view::npos) {
        scheme = text.substr(0, scheme_end);
        rest = text.substr(scheme_end + separator.size());
    }
    const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, authority_end);
    std::string_view path = rest.substr(authority_end);
    if (authority.contains('@')) {
        return fail(
            Errc::invalid_argument,
            "endpoint contains a user name or password, expected http://HOST:PORT with the "
            "credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
    }
    if (scheme != "http" && scheme != "https") {
        return refuse(text, "has a scheme that is neither http nor https");
    }
    if (path.find_first_of("?#") != std::string_view::npos) {
        return refuse(text.substr(0, text.find_first_of("?#")), "goes on with a query");
    }
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    ServiceUrl url;
    if (auto read = read_authority(text, authority, url); !read) {
        return std::unexpected(read.error());
    }
    if (url.port == 0) url.port = scheme == "https" ? 443 : 80;
    url.path = path;
    url.text = fmt::format("{}://{}{}", scheme, authority, path);
    return url;
}

std::string aws_sqs_url(std::string_view region) {
    const std::string_view suffix = region.starts_with("cn-") ? ".cn" : "";
    return fmt::format("https://sqs.{}.amazonaws.com{}", region, suffix);
}

}  // namespace tranter::aws
