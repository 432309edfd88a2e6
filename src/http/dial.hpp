#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "http/patience.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>

namespace tranter::http {

/// A TCP connection that was made.
struct Dialed {
    Descriptor socket{};  // does not block, sends at once (TCP_NODELAY)
    sockaddr_storage peer{};
};

/// Connects to a host: a name, an IPv4 address in any form that inet_aton() takes, or an IPv6
/// address without brackets. All its addresses are tried, one family after the other (RFC 8305),
/// each a moment after the one before unless that has failed already; the first that answers is
/// taken. A name is resolved anew each time, and localhost is this machine whatever a resolver says
/// (RFC 6761).
///
/// `may_connect`, when there is one, is asked about each address: `permission_denied` when it
/// refused one and no other was connected to. Otherwise `unavailable`, and the errors of
/// Patience::wait(); `cancelled` on a stop.
[[nodiscard]] Result<Dialed> dial(
    const std::string& host,
    std::uint16_t port,
    const std::function<bool(const sockaddr&)>& may_connect,
    Patience& patience
);

}  // namespace tranter::http
