#pragma once

#include "cli/data_files.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tranter::cli {

/// What a queue would hold if a server started on the store now.
struct ReplayedQueue {
    std::string name{};
    std::uint32_t id = 0;
    std::uint64_t visible = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t delayed = 0;
    std::uint64_t bytes = 0;
    std::uint64_t bytes_in_memory = 0;  // of these; the others stay in the log

    std::uint64_t messages() const { return visible + in_flight + delayed; }
};

struct Replayed {
    std::vector<ReplayedQueue> queues{};  // in order of name
    std::uint64_t messages = 0;
    std::uint64_t live_bytes = 0;  // of log
    std::string torn_tail{};
};

/// Replays the store as a server would, and leaves it as it is. Loads no message bodies. Throws
/// what opening it would.
Replayed replay(const LookedAt& store);

}  // namespace tranter::cli
