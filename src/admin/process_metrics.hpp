#pragma once

#include "admin/exposition.hpp"
#include "base/time.hpp"

#include <string_view>

namespace tranter::admin {

/// What every process of ours says about itself: processor time, memory, start and version.
void render_process(Exposition& out, std::string_view version, Instant started);

}  // namespace tranter::admin
