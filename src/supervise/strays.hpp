#pragma once

#include <sys/types.h>

#include <functional>

namespace tranter::supervise {

/// A child of this process that nobody here has started: it was adopted (process::adopt_orphans()).
/// `is_keeper` knows those of our children that were not started by process::spawn().
using IsKeeper = std::function<bool(pid_t)>;

/// Takes those that have ended.
void reap_strays(const IsKeeper& is_keeper);
/// Kills those that run. Whether none is left.
bool kill_strays(const IsKeeper& is_keeper);

}  // namespace tranter::supervise
