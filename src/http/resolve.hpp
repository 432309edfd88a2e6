#pragma once

#include "base/error.hpp"
#include "http/patience.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tranter::http {

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    const sockaddr& get() const { return reinterpret_cast<const sockaddr&>(bytes); }
};

/// The addresses of a host, one of each family in turn, 16 at most: see dial(). `unavailable` says
/// why there are none.
[[nodiscard]] Result<std::vector<Address>> resolve(
    const std::string& host, std::uint16_t port, Patience& patience
);

using LookUp = std::function<Result<std::vector<Address>>()>;
/// Does it on a thread of its own, which goes on when nobody wants to wait any longer: a resolver
/// that does not answer takes as long as resolv.conf lets it, and cannot be interrupted.
/// `cancelled` on a stop, and the errors of Patience::wait().
[[nodiscard]] Result<std::vector<Address>> look_up_aside(LookUp look_up, Patience& patience);

}  // namespace tranter::http
