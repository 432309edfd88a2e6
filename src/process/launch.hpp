#pragma once

#include "process/identity.hpp"

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <span>
#include <utility>

/// What becomes of a new process between its start and exec. For spawn.cpp.
namespace tranter::process {

/// All that the child needs, where nothing may be allocated. Belongs to the parent.
struct Launch {
    struct Placed {
        int ours = -1;
        int number = 0;  // each once
    };
    const char* program = nullptr;
    const char* directory = nullptr;
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    /// Where the child writes its pid, in decimal with a zero at its end; null: nowhere.
    std::span<char> pid_text{};
    std::span<Placed> descriptors{};  // the child writes to it
    int descriptor_max = 2;           // highest of their numbers
    std::array<std::pair<__rlimit_resource_t, rlimit>, 5> limits{};
    std::size_t limit_count = 0;
    const Identity* identity = nullptr;  // null: ours
    const char* cgroup_procs = nullptr;
    int nice = 0;
    int umask = -1;
    bool dies_with_us = true;
    pid_t parent = 0;
    sigset_t signals{};     // to block in the program
    int failure_pipe = -1;  // takes a LaunchFailure; closed by exec. Above descriptor_max
};

/// What failed in the child. Sent and not shared: a sanitizer makes vfork a fork.
struct LaunchFailure {
    enum class Step : int {
        none,
        fork,
        start,
        session,
        cgroup,
        privileges,
        descriptors,
        directory,
        limits,
        nice,
        identity,
        exec
    };
    Step step = Step::none;
    int error = 0;
};

/// Starts it; -1 as fork(2). Every signal is blocked meanwhile. With vfork(2), which is quick
/// however large we are, returns when the child has become the program or has failed.
pid_t launch_child(const Launch& launch);

}  // namespace tranter::process
