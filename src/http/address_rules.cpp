#include "http/address_rules.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace tranter::http {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress mapped(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    IpAddress out{};
    std::ranges::copy(mapped_prefix, out.begin());
    out[12] = a;
    out[13] = b;
    out[14] = c;
    out[15] = d;
    return out;
}

Subnet ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, unsigned bits) {
    return {.address = mapped(a, b, c, 0), .bits = 96 + bits};
}

Subnet ipv6(std::uint16_t first, std::uint16_t second, unsigned bits) {
    Subnet out{.address = {}, .bits = bits};
    out.address[0] = static_cast<std::uint8_t>(first >> 8U);
    out.address[1] = static_cast<std::uint8_t>(first);
    out.address[2] = static_cast<std::uint8_t>(second >> 8U);
    out.address[3] = static_cast<std::uint8_t>(second);
    return out;
}

bool in_any(const std::vector<Subnet>& subnets, const IpAddress& address) {
    return std::ranges::any_of(subnets, [&](const Subnet& one) { return one.contains(address); });
}

std::optional<IpAddress> to_ip(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
        return mapped(bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &address, sizeof in);
        IpAddress out{};
        std::memcpy(out.data(), &in.sin6_addr, out.size());
        return out;
    }
    return std::nullopt;
}

}  // namespace

bool Subnet::contains(const IpAddress& other) const {
    const std::size_t whole = bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> bits % 8);
    return ((address[whole] ^ other[whole]) & mask) == 0;
}

Result<Subnet> parse_subnet(std::string_view text) {
    const auto wrong = [&] {
        return fail(
            Errc::invalid_argument,
            "\"" + std::string(text.substr(0, 60)) +
                "\" is no subnet, write it like 10.1.0.0/16, 127.0.0.1 or fd00::/8"
        );
    };
    const std::size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    Subnet out;
    unsigned bits_max = 128;
    unsigned offset = 0;
    std::array<std::uint8_t, 4> four{};
    if (::inet_pton(AF_INET, address.c_str(), four.data()) == 1) {
        out.address = mapped(four[0], four[1], four[2], four[3]);
        bits_max = 32;
        offset = 96;
    } else if (::inet_pton(AF_INET6, address.c_str(), out.address.data()) != 1) {
        return wrong();
    }
    unsigned bits = bits_max;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto* end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, bits);
        if (read.ec != std::errc{} || read.ptr != end || bits > bits_max) return wrong();
    }
    out.bits = offset + bits;
    return out;
}

bool is_public(const IpAddress& address) {
    static const std::vector<Subnet> special4{
        ipv4(0, 0, 0, 8),
        ipv4(10, 0, 0, 8),
        ipv4(100, 64, 0, 10),
        ipv4(127, 0, 0, 8),
        ipv4(169, 254, 0, 16),
        ipv4(172, 16, 0, 12),
        ipv4(192, 0, 0, 24),
        ipv4(192, 0, 2, 24),
        ipv4(192, 88, 99, 24),
        ipv4(192, 168, 0, 16),
        ipv4(198, 18, 0, 15),
        ipv4(198, 51, 100, 24),
        ipv4(203, 0, 113, 24),
        ipv4(224, 0, 0, 4),
        ipv4(240, 0, 0, 4),
    };
    // Inside of 2000::/3, which is all that is given out.
    static const Subnet global = ipv6(0x2000, 0, 3);
    static const std::vector<Subnet> special6{
        ipv6(0x2001, 0, 23),      // protocols: Teredo, ORCHID, benchmarks
        ipv6(0x2001, 0xdb8, 32),  // documentation
        ipv6(0x2002, 0, 16),      // 6to4
        ipv6(0x3fff, 0, 20),      // documentation
    };
    static const Subnet four{.address = mapped(0, 0, 0, 0), .bits = 96};
    if (four.contains(address)) return !in_any(special4, address);
    return global.contains(address) && !in_any(special6, address);
}

bool AddressRules::may_connect(const sockaddr& address) const {
    const auto ip = to_ip(address);
    return ip && (is_public(*ip) || in_any(allowed, *ip));
}

std::string address_text(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    sockaddr_in in4{};
    sockaddr_in6 in6{};
    if (address.sa_family == AF_INET) {
        std::memcpy(&in4, &address, sizeof in4);
        bytes = &in4.sin_addr;
    } else if (address.sa_family == AF_INET6) {
        std::memcpy(&in6, &address, sizeof in6);
        bytes = &in6.sin6_addr;
    } else {
        return "no internet address";
    }
    ::inet_ntop(address.sa_family, bytes, text.data(), text.size());
    return text.data();
}

}  // namespace tranter::http
