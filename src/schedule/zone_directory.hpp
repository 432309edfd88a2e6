#pragma once

#include "base/error.hpp"
#include "schedule/time_zone.hpp"

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::schedule {

using ZoneHandle = std::shared_ptr<const TimeZone>;

/// The time zones of a machine, each read once until the files change. Thread-safe.
class ZoneDirectory {
  public:
    /// What TZDIR names, else /usr/share/zoneinfo.
    static std::filesystem::path system_path();

    explicit ZoneDirectory(std::filesystem::path path = system_path());

    /// `UTC` needs no file. `invalid_argument` for a name that is none or is not known, with the
    /// nearest that is; `unavailable` when the machine has no time zones.
    [[nodiscard]] Result<ZoneHandle> find(std::string_view name);
    /// Such as "2026a"; empty when the directory does not say.
    std::string version() const;
    /// Forgets what was read if the files have been replaced since, which is seen by the times of
    /// the directory and of the files that name the version. True: they have been. Zones that were
    /// handed out stay as they were.
    bool reload_if_changed();

  private:
    /// When the directory and the files in it that name its version were written.
    using Written = std::array<std::filesystem::file_time_type, 3>;

    Error unknown(std::string_view name) const;
    Written written() const;
    void forget();

    std::filesystem::path path_;
    mutable std::mutex mutex_;
    // guarded by mutex_
    Written written_{};
    std::string version_{};
    std::map<std::string, ZoneHandle, std::less<>> zones_{};
};

}  // namespace tranter::schedule
