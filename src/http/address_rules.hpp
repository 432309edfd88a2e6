#pragma once

#include "base/error.hpp"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::http {

/// An IPv6 address; an IPv4 address as ::ffff:a.b.c.d.
using IpAddress = std::array<std::uint8_t, 16>;

/// Addresses with the same leading bits.
struct Subnet {
    IpAddress address{};
    unsigned bits = 128;

    bool contains(const IpAddress& other) const;
    bool operator==(const Subnet&) const = default;
};

/// "10.1.0.0/16", "127.0.0.1", "fd00::/8".
[[nodiscard]] Result<Subnet> parse_subnet(std::string_view text);

/// Where requests may go that somebody else names, so that they cannot reach what only we can
/// (server-side request forgery). Asked about the address that a connection is made to, after the
/// name was resolved.
struct AddressRules {
    /// Beside the public ones.
    std::vector<Subnet> allowed{};

    bool may_connect(const sockaddr& address) const;
    bool operator==(const AddressRules&) const = default;
};

/// Whether the whole internet would understand this address: not private, shared (CGNAT), loopback,
/// link-local, multicast, reserved, for documentation or benchmarks, and nothing that has another
/// address in it (6to4, NAT64, Teredo). IANA's special-purpose registries of IPv4 and IPv6.
bool is_public(const IpAddress& address);

/// "10.0.0.1", "fd00::1".
std::string address_text(const sockaddr& address);

}  // namespace tranter::http
