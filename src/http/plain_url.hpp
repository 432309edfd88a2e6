#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tranter::http {

/// The parts of an http: URL, which point into it.
struct PlainUrl {
    std::string_view authority{};  // "host" or "host:port", as Host repeats it
    std::string_view host{};       // without brackets
    std::uint16_t port = 80;
    std::string_view target{};  // path and query; empty or "?..." when there is no path
};

/// Nothing for URLs that need more than to be taken apart, which is left to libcurl: other schemes,
/// names that are not ASCII or percent-encoded, paths with dot segments, bytes that URLs do not
/// have, ports that are none.
std::optional<PlainUrl> read_plain_url(std::string_view url);

/// Whether an http: or https: URL leads to this machine. Proxies are for the world outside.
bool is_loopback_url(std::string_view url);

}  // namespace tranter::http
