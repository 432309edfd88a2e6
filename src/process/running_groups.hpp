#pragma once

#include <sys/types.h>

#include <atomic>
#include <utility>

namespace tranter::process {

/// A process group that is killed when a signal ends this process at once (base/sudden_end.hpp):
/// the kernel then only kills the programs that we have started, and not what these have started.
/// Named by the leader that we have started, for as long as it is not waited for. Thread-safe.
class RunningGroup {
  public:
    RunningGroup() = default;
    explicit RunningGroup(pid_t leader);
    RunningGroup(RunningGroup&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
    RunningGroup& operator=(RunningGroup&& other) noexcept {
        std::swap(place_, other.place_);
        return *this;
    }
    ~RunningGroup() { leave(); }

    /// It is waited for, so its number may be anybody's.
    void leave() {
        if (place_ != nullptr) std::exchange(place_, nullptr)->store(0);
    }

  private:
    std::atomic<pid_t>* place_ = nullptr;  // in a table that is never freed
};

/// Whether it was started by us and is not waited for yet.
bool leads_running_group(pid_t pid);

/// For a signal handler.
void kill_running_groups();

}  // namespace tranter::process
