#pragma once

#include "base/error.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace tranter::control {

/// `invalid_argument` when the path is too long for a socket.
[[nodiscard]] inline Result<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(
            Errc::invalid_argument,
            "the path of the socket is too long, TRANTER_HOME has to be shorter: " + path
        );
    }
    path.copy(address.sun_path, path.size());
    return address;
}

}  // namespace tranter::control
