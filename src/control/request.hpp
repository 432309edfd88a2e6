#pragma once

#include "control/client.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::control {

/// What a client asks for. Which members mean something depends on the call
/// (docs/control-protocol.md).
struct Request {
    std::uint64_t id = 0;  // chosen by the client, comes back with the answer
    std::string call{};
    std::vector<std::string> targets{};
    std::uint64_t after = 0;
    std::string file{};
    std::vector<supervise::App> apps{};
    Order order{};
};

}  // namespace tranter::control
