#pragma once

namespace tranter::supervise {

// Strays are children of this process that nobody here has started (Keeper, process::spawn()): they
// were adopted (process::adopt_orphans()).

/// Takes those that have ended.
void reap_strays();
/// Kills those that run. Whether none is left.
bool kill_strays();

}  // namespace tranter::supervise
