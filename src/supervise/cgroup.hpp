#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"
#include "supervise/descendants.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tranter::supervise {

/// Control groups (cgroup v2) below the one that we are in, one for each instance, where that is
/// allowed: as root, or in a subtree that was delegated to us. A wish that cannot be met for want
/// of them is said once by whoever asks.
class Cgroups {
  public:
    /// What can be done here: looks for a writable cgroup v2 tree. Nothing when there is none.
    static std::optional<Cgroups> find();

    /// The group of one instance. Removed, with all that is in it killed, when it is destroyed.
    class Leaf {
      public:
        virtual ~Leaf() = default;
        /// A descriptor of its directory for clone3(2) or of cgroup.procs; see SpawnOptions.
        virtual std::string procs_path() const = 0;
        virtual void kill_all() = 0;
        /// Times that memory.max killed something in it (memory.events oom_kill).
        virtual std::uint64_t oom_kills() const = 0;
    };
    /// With `limits`: memory.max, cpu.max, pids.max. `unavailable` names what was refused.
    [[nodiscard]] Result<std::unique_ptr<Leaf>> make(const std::string& name, const Limits& limits);

  private:
    explicit Cgroups(std::string directory) : directory_(std::move(directory)) {}
    std::string directory_;
};

}  // namespace tranter::supervise
