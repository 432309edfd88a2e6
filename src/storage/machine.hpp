#pragma once

#include <cstdint>
#include <filesystem>

namespace tranter::storage {

/// Bytes of memory that this process may use: what the machine has, or what its control group
/// allows when that is less. `root` is where the files of the kernel are found.
std::uint64_t machine_memory(const std::filesystem::path& root = "/");

/// Cores that this process may run on: a container or taskset may leave it fewer than there are.
unsigned usable_cores();

}  // namespace tranter::storage
