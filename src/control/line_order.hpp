#pragma once

#include "supervise/view.hpp"

#include <vector>

namespace tranter::control {

/// By time; those of the same moment as they came.
std::vector<supervise::OutputLine> in_order(std::vector<supervise::OutputLine> lines);

}  // namespace tranter::control
