#pragma once

#include <atomic>

namespace tranter {

/// What has to be done when a signal ends this process at once, without any destructor. May only
/// do what a signal handler may (signal-safety(7)). One for the process, set once.
using SuddenEnd = void (*)();
inline std::atomic<SuddenEnd> sudden_end = nullptr;
static_assert(std::atomic<SuddenEnd>::is_always_lock_free);

}  // namespace tranter
