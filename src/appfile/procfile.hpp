#pragma once

#include "appfile/load.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// `name: command` a line. Each app gets PORT, 5000 and 100 more for each app before it, to which
/// its instances add their numbers. A shell runs those commands only that need one.
[[nodiscard]] Result<std::vector<supervise::App>> parse_procfile(
    std::string_view text,
    const std::string& file,       // for error texts
    const std::string& directory,  // where the apps run
    const LoadOptions& options
);

}  // namespace tranter::appfile
