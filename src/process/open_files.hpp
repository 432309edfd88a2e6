#pragma once

#include <cstdint>

namespace tranter::process {

/// Lets this process open as many files as it may, but no more than `most`. Returns how many it was
/// before, for the programs that it starts (ResourceLimits::open_files_soft): some of them cannot
/// deal with descriptors above 1,023, or go through all that there might be. 0: that is not known,
/// and nothing has changed. Call it before there are threads that start programs.
std::uint64_t raise_open_files(std::uint64_t most);

}  // namespace tranter::process
