#include "cli/server_config.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace tranter::cli {
namespace {

bool is_ipv6(const std::string& text) {
    in6_addr address{};
    return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

std::unexpected<Error> bad_endpoint(std::string_view text, std::string_view why) {
    return fail(
        Errc::invalid_argument,
        fmt::format("\"{}\" {}, write an address and a port like \"127.0.0.1:9324\"", text, why)
    );
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad_endpoint(text, "has no port");
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);

    std::uint32_t number = 0;
    const char* end = port.data() + port.size();
    const auto [rest, status] = std::from_chars(port.data(), end, number);
    if (status != std::errc() || rest != end || number > 65535) {
        return bad_endpoint(text, "has no port from 0 to 65535");
    }
    if (host.empty()) return bad_endpoint(text, "has no address");
    if (host.front() == '[') {
        if (host.back() != ']' || !is_ipv6(std::string(host.substr(1, host.size() - 2)))) {
            return bad_endpoint(text, "has no IPv6 address in its brackets");
        }
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return bad_endpoint(text, "has an IPv6 address without brackets");
    } else if (!is_host_name(host)) {
        return bad_endpoint(text, "has no valid address");
    }
    return Endpoint{
        .host = std::string(host),
        .port = static_cast<std::uint16_t>(number),
        .host_explicit = true};
}

std::string format_endpoint(const Endpoint& endpoint) {
    const bool brackets = endpoint.host.find(':') != std::string::npos;
    return fmt::format(
        "{}{}{}:{}", brackets ? "[" : "", endpoint.host, brackets ? "]" : "", endpoint.port
    );
}

bool is_loopback(const Endpoint& endpoint) {
    if (endpoint.host == "localhost") return true;
    in_addr v4{};
    if (inet_pton(AF_INET, endpoint.host.c_str(), &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    in6_addr v6{};
    if (inet_pton(AF_INET6, endpoint.host.c_str(), &v6) != 1) return false;
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<void> check_exposure(const ServerConfig& config) {
    if (config.insecure) return {};
    if (config.sqs_enabled && !is_loopback(config.sqs) && config.auth.mode == AuthMode::none) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "server.sqs: {} can be reached from other machines and auth.mode is none, set "
                "auth.mode = \"sigv4\" with keys, listen on 127.0.0.1 or use --insecure",
                format_endpoint(config.sqs)
            )
        );
    }
    if (config.admin_enabled && !is_loopback(config.admin) && config.admin_token.empty()) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "server.admin: {} can be reached from other machines and admin.token is not set, "
                "set it, listen on 127.0.0.1 or use --insecure",
                format_endpoint(config.admin)
            )
        );
    }
    return {};
}

bool keeps_data(const ServerConfig& config) {
    return !config.data.empty() && config.durability != DurabilityLevel::none;
}

Result<void> check_durability(const ServerConfig& config) {
    // `sync` is the default, so it may be that nobody asked for it.
    if (!config.data.empty() || config.durability != DurabilityLevel::os) return {};
    return fail(
        Errc::invalid_argument,
        "server.durability: is os, which needs a directory to write to, set server.data or --data"
    );
}

}  // namespace tranter::cli
