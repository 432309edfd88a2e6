#pragma once

#include "process/spawn.hpp"
#include "supervise/keeper.hpp"

#include <sys/types.h>

#include <array>
#include <cstdint>

/// What a keeper says and is told, one packet each, and what it does. For keeper.cpp.
namespace tranter::supervise {

struct KeeperOrder {
    Keeper::Order order = Keeper::Order::signal_group;
    int signal = 0;
};

struct KeeperReport {
    Keeper::Report::Kind kind{};
    pid_t pid = 0;
    int code = 0;
    int signal = 0;
    std::array<char, 256> why{};  // ends with a zero
};

/// In the copy. Ends once nothing of the program is left; when nobody holds the other end of
/// `socket` it sees to that. See Keeper::start().
[[noreturn]] void keep_program(int socket, const process::SpawnOptions& program, int last_signal);

}  // namespace tranter::supervise
