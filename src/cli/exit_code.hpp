#pragma once

#include "base/error.hpp"

#include <array>
#include <utility>

namespace tranter::cli {

/// What scripts may rely on.
enum class ExitCode : int {
    ok = 0,
    failed = 1,
    usage = 2,
    not_found = 3,
    conflict = 4,
    unauthorised = 5,
    unreachable = 6,
    partial = 7,  // some of many were done and some were not
    timeout = 8,
    warned = 9,  // nothing has failed, and something should be looked at
    interrupted = 130,
};

/// What a shell makes of the end by a signal.
constexpr int exit_of_signal(int signal) {
    return 128 + signal;
}

/// The one table between failures and exit codes. A value that the server refuses is `usage` too:
/// whoever typed it has to type something else.
inline constexpr auto exit_codes = std::to_array<std::pair<Errc, ExitCode>>({
    {Errc::not_found, ExitCode::not_found},
    {Errc::invalid_argument, ExitCode::usage},
    {Errc::already_exists, ExitCode::conflict},
    {Errc::conflict, ExitCode::conflict},
    {Errc::limit_exceeded, ExitCode::failed},
    {Errc::unavailable, ExitCode::unreachable},
    {Errc::timed_out, ExitCode::timeout},
    {Errc::cancelled, ExitCode::failed},
    {Errc::unsupported, ExitCode::conflict},
    {Errc::unauthenticated, ExitCode::unauthorised},
    {Errc::permission_denied, ExitCode::unauthorised},
    {Errc::corrupted, ExitCode::failed},
    {Errc::internal, ExitCode::failed},
});

constexpr ExitCode exit_code(Errc code) {
    for (const auto& [errc, exit] : exit_codes) {
        if (errc == code) return exit;
    }
    return ExitCode::failed;
}

}  // namespace tranter::cli
