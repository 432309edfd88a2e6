#pragma once

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/args.hpp"

#include <optional>
#include <string>

/// What every long-running command says about its log.
namespace tranter::cli {

Option log_format_option();
Option log_level_option();

/// What the flags said; nothing leaves the option as it is.
[[nodiscard]] Result<> apply_log_flags(
    const std::optional<std::string>& format,
    const std::optional<std::string>& level,
    LogOptions& log
);

}  // namespace tranter::cli
