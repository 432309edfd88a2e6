#pragma once

#include "base/error.hpp"
#include "schedule/time_zone.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::schedule {

using ZoneHandle = std::shared_ptr<const TimeZone>;

/// The time zones of a machine, each read once. Thread-safe.
class ZoneDirectory {
  public:
    /// What TZDIR names, else /usr/share/zoneinfo.
    static std::filesystem::path system_path();

    explicit ZoneDirectory(std::filesystem::path path = system_path());

    /// `UTC` needs no file. `invalid_argument` for a name that is none or is not known, with the
    /// nearest that is; `unavailable` when the machine has no time zones.
    [[nodiscard]] Result<ZoneHandle> find(std::string_view name);
    /// Such as "2026a"; empty when the directory does not say.
    const std::string& version() const { return version_; }

  private:
    Error unknown(std::string_view name) const;

    std::filesystem::path path_;
    std::string version_;
    std::mutex mutex_;
    std::map<std::string, ZoneHandle, std::less<>> zones_;  // guarded by mutex_
};

}  // namespace tranter::schedule
