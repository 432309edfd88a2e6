#pragma once

#include "base/error.hpp"
#include "control/client.hpp"

#include <string>
#include <vector>

namespace tranter::cli {

/// The program that we are, by a path that stays right when it is replaced by a new version.
std::string own_program();

/// Our environment, whose TRANTER_HOME is that of `home`.
std::vector<std::string> environment_with(const control::Home& home);

/// A connection to the daemon of `home`, which is started when none runs. `flags` are for the one
/// that is started. However many do this at once, there is one daemon.
[[nodiscard]] Result<control::Client> connect_or_launch(
    const control::Home& home, const std::vector<std::string>& flags
);

/// Returns once the process has ended, or after `patience`.
void wait_for_process(pid_t pid, Duration patience);

}  // namespace tranter::cli
