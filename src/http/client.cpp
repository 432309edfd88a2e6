#include "http/client.hpp"

#include "http/curl_client.hpp"
#include "http/plain_client.hpp"
#include "http/plain_url.hpp"
#include "http/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace tranter::http {
namespace {

bool has_line_break(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// The URL without what must not be shown: user info never gets here, queries may hold tokens.
std::string shown(std::string_view url) {
    return std::string(url.substr(0, url.find('?')));
}

Result<void> check_headers(const ClientRequest& request) {
    for (const auto& [name, value] : request.headers) {
        if (name.empty() || !std::ranges::all_of(name, is_token_char) || has_line_break(value)) {
            return fail(Errc::invalid_argument, "header '" + name + "' is malformed");
        }
    }
    return {};
}

/// Whether a variable of the environment names a proxy for http:. HTTP_PROXY does not count: to a
/// CGI program it is what a client sent.
bool has_proxy() {
    constexpr std::array names{"http_proxy", "all_proxy", "ALL_PROXY"};
    return std::ranges::any_of(names, [](const char* name) {
        const char* const value = std::getenv(name);
        return value != nullptr && *value != '\0';
    });
}

/// Headers that say how a message or a connection goes on, which libcurl knows how to honour.
bool changes_message(std::string_view name) {
    constexpr std::array<std::string_view, 8> names{
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade"};
    return std::ranges::any_of(names, [&](std::string_view one) {
        return same_ignoring_case(one, name);
    });
}

}  // namespace

Result<void> check_url(std::string_view url) {
    std::string_view rest;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (same_ignoring_case(url.substr(0, scheme.size()), scheme)) {
            rest = url.substr(scheme.size());
        }
    }
    if (rest.empty()) {
        const std::string_view scheme = url.substr(0, std::min(url.find(':'), std::size_t{16}));
        return fail(
            Errc::invalid_argument,
            "URL has scheme '" + std::string(scheme) + "', use http:// or https://"
        );
    }
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) {
        return fail(
            Errc::invalid_argument,
            "URL holds a user name or password; pass credentials as a header or by signing"
        );
    }
    if (authority.empty() || has_line_break(url) || url.find(' ') != std::string_view::npos) {
        return fail(Errc::invalid_argument, "URL '" + shown(url) + "' is malformed");
    }
    return {};
}

class Client::Impl {
  public:
    Result<ClientResponse> send(const ClientRequest& request) {
        if (auto url = find_plain_url(request)) return plain_.send(request, *url);
        return curl_.send(request);
    }

  private:
    /// When the plain client can do it.
    std::optional<PlainUrl> find_plain_url(const ClientRequest& request) const {
        const bool proxied = has_proxy_ && !request.may_connect && !is_loopback_url(request.url);
        if (proxied || request.signing) return std::nullopt;
        const bool changed = std::ranges::any_of(request.headers, [](const auto& header) {
            return changes_message(header.first);
        });
        if (changed) return std::nullopt;
        return read_plain_url(request.url);
    }

    const bool has_proxy_ = has_proxy();
    PlainClient plain_{};
    CurlClient curl_{};
};

Client::Client() : impl_(std::make_unique<Impl>()) {}

Client::~Client() = default;

Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::send(const ClientRequest& request) {
    if (auto checked = check_url(request.url); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    if (auto checked = check_headers(request); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    auto answer = impl_->send(request);
    if (answer) return answer;
    const Error& error = answer.error();
    return fail(error.code(), request.method + " " + shown(request.url) + ": " + error.message());
}

}  // namespace tranter::http
