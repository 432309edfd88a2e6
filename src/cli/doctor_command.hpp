#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter doctor
Command doctor_command();

}  // namespace tranter::cli
