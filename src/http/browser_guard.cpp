#include "http/browser_guard.hpp"

#include "http/text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace tranter::http {
namespace {

bool is_ip_literal(std::string_view host, int family) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (host.size() >= text.size()) return false;
    std::memcpy(text.data(), host.data(), host.size());
    return inet_pton(family, text.data(), address.data()) == 1;  // strict: no short or octal forms
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

/// The host without port and brackets, nothing when the authority is malformed (user info, ...).
struct Host {
    std::string_view name;
    bool bracketed = false;
};

std::optional<Host> split_authority(std::string_view authority) {
    Host host;
    std::string_view rest;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        host = {authority.substr(1, end - 1), true};
        rest = authority.substr(end + 1);
    } else {
        const std::size_t end = std::min(authority.find(':'), authority.size());
        host = {authority.substr(0, end), false};
        rest = authority.substr(end);
    }
    if (!rest.empty() && (!rest.starts_with(':') || !is_port(rest.substr(1)))) return std::nullopt;
    return host;
}

bool is_host_name(std::string_view name) {
    return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
        return is_alnum(c) || c == '-' || c == '.' || c == '_';
    });
}

// "2130706433" and "0x7f000001" are other spellings of 127.0.0.1 to some resolvers.
bool is_numeric(std::string_view name) {
    return name.starts_with("0x") || name.starts_with("0X") || std::ranges::all_of(name, is_digit);
}

bool matches(std::string_view name, std::string_view pattern) {
    if (!pattern.starts_with("*.")) return same_ignoring_case(name, pattern);
    const std::string_view suffix = pattern.substr(1);
    return name.size() > suffix.size() &&
           same_ignoring_case(name.substr(name.size() - suffix.size()), suffix);
}

/// Scheme and authority agree with the host the request names. Behind a proxy that ends TLS the
/// scheme is https while we see plain text, so both count.
bool is_same_origin(std::string_view origin, std::string_view host) {
    const std::size_t colon = origin.find("://");
    if (colon == std::string_view::npos || host.empty()) return false;
    const std::string_view scheme = origin.substr(0, colon);
    if (scheme != "http" && scheme != "https") return false;
    return same_ignoring_case(origin.substr(colon + 3), host);
}

}  // namespace

bool host_allowed(std::string_view authority, const BrowserRules& rules) {
    const auto host = split_authority(authority);
    if (!host) return false;
    std::string_view name = host->name;
    if (host->bracketed) return is_ip_literal(name, AF_INET6);
    if (is_ip_literal(name, AF_INET)) return true;
    if (!is_host_name(name)) return false;
    if (std::ranges::any_of(rules.allowed_hosts, [name](const std::string& pattern) {
            return matches(name, pattern);
        })) {
        return true;
    }
    if (same_ignoring_case(name, "localhost.")) return true;
    const bool single_label =
        std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '-'; });
    return single_label && !is_numeric(name);
}

bool origin_configured(std::string_view origin, const BrowserRules& rules) {
    return std::ranges::any_of(rules.cors_origins, [origin](const std::string& allowed) {
        return allowed == "*" || same_ignoring_case(origin, allowed);
    });
}

BrowserVerdict check_browser(const BrowserFacts& facts, const BrowserRules& rules) {
    return BrowserGuard(rules).check(facts);
}

BrowserVerdict BrowserGuard::check(const BrowserFacts& facts) {
    constexpr BrowserVerdict foreign_host{
        421,
        "this host name is not served here; "
        "add it to the allowed hosts if it should be"};
    constexpr BrowserVerdict cross_site{
        403,
        "requests from other sites are refused; "
        "add the origin to the CORS origins to allow them"};
    if (facts.host != allowed_host_) {
        if (!facts.host.empty() && !host_allowed(facts.host, rules_)) return foreign_host;
        allowed_host_ = facts.host;
    }
    if (!facts.target_authority.empty() && !host_allowed(facts.target_authority, rules_)) {
        return foreign_host;
    }
    const bool configured = facts.has_origin && origin_configured(facts.origin, rules_);
    if (configured) return {};
    if (facts.has_origin && !is_same_origin(facts.origin, facts.host)) return cross_site;
    if (same_ignoring_case(facts.fetch_site, "cross-site") ||
        same_ignoring_case(facts.fetch_site, "same-site")) {
        return cross_site;
    }
    return {};
}

std::string cors_lines(std::string_view origin, const BrowserRules& rules) {
    std::string lines("Access-Control-Allow-Origin: ");
    const bool any = std::ranges::find(rules.cors_origins, "*") != rules.cors_origins.end();
    if (any)
        lines.append("*\r\n");
    else
        lines.append(origin).append("\r\nVary: Origin\r\n");
    lines.append("Access-Control-Expose-Headers: x-amzn-RequestId, x-amzn-query-error, Date\r\n");
    return lines;
}

std::string preflight_lines(std::string_view requested_headers) {
    std::string lines(
        "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
        "Access-Control-Max-Age: 600\r\n"
    );
    const bool plain =
        !requested_headers.empty() && std::ranges::all_of(requested_headers, [](char c) {
            return is_token_char(c) || c == ',' || c == ' ';
        });
    if (plain) {
        lines.append("Access-Control-Allow-Headers: ").append(requested_headers).append("\r\n");
    }
    return lines;
}

}  // namespace tranter::http
