#pragma once

#include "admin/role_service.hpp"

#include <tranter/job.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::admin {

/// Of a role that has begun and cannot work yet, as a store that it works over is away. Starting it
/// again would not help that, so it is alive and not ready.
class AwaitingService final : public RoleService {
  public:
    struct Options {
        std::string version{};
        /// What the role has for "it works", which is 0 now: "tranter_worker_up".
        std::string_view up_metric{};
    };

    AwaitingService(Options options, Instant started);

    /// `check` is how the role calls the store among its checks. Thread-safe.
    void awaits(std::string_view check, std::string error, TimePoint now);

  private:
    class AwaitingLook;
    std::unique_ptr<Look> look() const override;

    const Options options_;
    mutable std::mutex mutex_{};
    // guarded by mutex_
    std::string_view check_{};  // empty: nothing was asked yet
    std::string error_{};
    std::string error_at_{};
};

}  // namespace tranter::admin
