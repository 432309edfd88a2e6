#pragma once

#include "admin/role_service.hpp"
#include "base/time.hpp"
#include "supervise/view.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tranter::cli {

/// Health and metrics of the daemon: ready while no app was given up and all that should run are
/// ready. It is stuck when nothing was told of the instances for too long. Thread-safe.
class DaemonService final : public admin::RoleService {
  public:
    explicit DaemonService(const Clock& clock);

    /// Each, in order.
    void see(const supervise::Event& event);
    /// To be called about once a second.
    void set_instances(std::vector<supervise::InstanceView> instances);

    enum class Reason : std::uint8_t { exit, signal, oom, liveness, watch, memory, manual };
    static constexpr std::size_t reasons = 7;

  private:
    class DaemonLook;
    struct Instance {
        supervise::InstanceView view{};
        std::size_t open_files = 0;  // of its leader
    };
    struct Snapshot {
        std::vector<Instance> instances{};
        std::array<std::uint64_t, reasons> restarts{};
        Instant at{};
    };
    std::unique_ptr<Look> look() const override;

    const Clock& clock_;
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    Snapshot snapshot_{};
    /// Why the run of an instance that is about to be replaced has ended.
    std::map<supervise::InstanceId, Reason> ending_{};
};

}  // namespace tranter::cli
