#pragma once

#include <string>

namespace tranter {

/// What this machine calls itself (gethostname); in a container that is the container's name. Empty
/// when it has none.
std::string host_name();

/// HOST:PID, by which people tell this process from those of other machines; "unknown" stands for a
/// host without a name. Not the same after a fork. Nothing may depend on it being unique:
/// containers can share both.
std::string process_name();

}  // namespace tranter
