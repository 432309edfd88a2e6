#include "http/plain_url.hpp"

#include "http/text.hpp"

#include <algorithm>
#include <charconv>

namespace tranter::http {
namespace {

bool is_name_char(char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
}

bool is_ipv6_char(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
}

bool read_port(std::string_view digits, std::uint16_t& port) {
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, port);
    return read.ec == std::errc{} && read.ptr == end && port != 0;
}

/// Sets host and port.
bool read_authority(std::string_view authority, PlainUrl& url) {
    std::string_view rest;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return false;
        url.host = authority.substr(1, end - 1);
        rest = authority.substr(end + 1);
        if (!std::ranges::all_of(url.host, is_ipv6_char)) return false;
    } else {
        const std::size_t end = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, end);
        rest = authority.substr(end);
        if (!std::ranges::all_of(url.host, is_name_char)) return false;
    }
    if (url.host.empty()) return false;
    return rest.empty() || (rest.starts_with(':') && read_port(rest.substr(1), url.port));
}

}  // namespace

std::optional<PlainUrl> read_plain_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!same_ignoring_case(url.substr(0, scheme.size()), scheme)) return std::nullopt;
    url = url.substr(scheme.size(), url.find('#') - scheme.size());
    const auto is_visible = [](char c) {
        return c > ' ' && c < 0x7f;
    };
    if (!std::ranges::all_of(url, is_visible)) return std::nullopt;
    const std::size_t authority_end = std::min(url.find_first_of("/?"), url.size());
    PlainUrl out{.authority = url.substr(0, authority_end), .target = url.substr(authority_end)};
    const std::string_view path = out.target.substr(0, out.target.find('?'));
    if (path.contains("/.") || path.contains('\\')) return std::nullopt;
    if (!read_authority(out.authority, out)) return std::nullopt;
    return out;
}

bool is_loopback_url(std::string_view url) {
    const std::string_view host = url.substr(url.find("://") + 3);
    return host.starts_with("127.") || host.starts_with("localhost:") ||
           host.starts_with("localhost/") || host == "localhost" || host.starts_with("[::1]");
}

}  // namespace tranter::http
