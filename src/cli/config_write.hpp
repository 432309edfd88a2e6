#pragma once

#include "cli/app_config.hpp"

#include <string>

namespace tranter::cli {

/// Appends the table [apps.NAME]: what differs from the defaults.
void write_app(std::string& out, const AppConfig& app);

}  // namespace tranter::cli
