#pragma once

#include "base/error.hpp"
#include "supervise/pattern.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Which files do not count for a FileWatch; see there.
class IgnoredPaths {
  public:
    [[nodiscard]] static Result<IgnoredPaths> make(const std::vector<std::string>& patterns);

    /// Of `directory`/`relative`; that what is above it counts is known.
    bool has(const std::string& directory, const std::string& relative) const;

  private:
    IgnoredPaths() = default;

    std::vector<std::string> names_{};
    std::vector<std::string> paths_{};
    std::vector<Pattern> expressions_{};
};

}  // namespace tranter::supervise
