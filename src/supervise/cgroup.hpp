#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tranter::supervise {

/// Control groups (cgroup v2, cgroups(7)) below the one that we are in, one for each instance,
/// where that is allowed: as root, or in a subtree that was delegated to us (Delegate=yes of
/// systemd). A wish that cannot be met for want of them is said once by whoever asks. Not
/// thread-safe.
class Cgroups {
  public:
    /// What can be done here: looks for a writable cgroup v2 tree, also where it stands beside one
    /// of v1. Nothing when there is none. Empty groups of ours whose maker is gone are removed.
    static std::optional<Cgroups> find();

    /// The group of one instance. Removed, with all that is in it killed, when it is destroyed,
    /// which waits for its processes, but for no more than two seconds.
    class Leaf {
      public:
        virtual ~Leaf() = default;
        Leaf(const Leaf&) = delete;
        Leaf& operator=(const Leaf&) = delete;

        /// For SpawnOptions::cgroup_procs.
        virtual std::string procs_path() const = 0;
        /// Does not wait for their end.
        virtual void kill_all() = 0;
        /// Times that memory.max killed something in it (memory.events oom_kill).
        virtual std::uint64_t oom_kills() const = 0;

      protected:
        Leaf() = default;
    };
    /// With `limits`: memory.max, which kills all of them together, cpu.max, pids.max.
    /// `unavailable` names what was refused; without limits there is hardly a reason.
    ///
    /// The kernel has it that a group with limits below it holds no processes itself. So when only
    /// we and our descendants are in ours, they are moved to a group beside the leaves when the
    /// first limit is wished for; with others in it limits are refused.
    [[nodiscard]] Result<std::unique_ptr<Leaf>> make(const std::string& name, const Limits& limits);

  private:
    explicit Cgroups(std::string directory) : directory_(std::move(directory)) {}
    std::string directory_;
};

}  // namespace tranter::supervise
