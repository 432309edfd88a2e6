#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "control/client.hpp"

#include <chrono>
#include <cstddef>
#include <string>

/// What a daemon that was killed has left running. Its keepers see its end and kill what they keep,
/// so there is hardly ever something; but no app is started before that is certain.
namespace tranter::cli {

/// Writes down which processes are ours, those of all apps: which of this boot, by pid and the
/// moment of their start, so that no other process is taken for one of them.
[[nodiscard]] Result<> write_state(const control::Home& home);
/// After everything has ended.
void remove_state(const control::Home& home);

/// What keepers need to kill what they keep, and far more.
inline constexpr Duration leftover_patience = std::chrono::seconds(5);

/// Waits for the end of what the last daemon of this home has left, at most for `patience`, and
/// kills what is there then, which is logged. To be called by whoever has the lock of the home,
/// before it looks for ports or starts anything. Returns how many had to be killed; `conflict`
/// names a process that cannot be.
[[nodiscard]] Result<std::size_t> clear_leftovers(
    const control::Home& home, Duration patience = leftover_patience
);

}  // namespace tranter::cli
