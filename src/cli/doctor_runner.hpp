#pragma once

#include "base/time.hpp"
#include "cli/doctor_check.hpp"

#include <span>
#include <vector>

namespace tranter::cli {

/// Runs all checks at the same time, each in a process of its own, so that one that hangs or
/// crashes costs nothing but its findings, and can be ended. The process that calls must have one
/// thread. One list for each check; never an empty one.
std::vector<std::vector<Finding>> run_checks(
    std::span<const DoctorCheck> checks, const Patient& patient, Duration limit
);

}  // namespace tranter::cli
