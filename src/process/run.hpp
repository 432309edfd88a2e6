#pragma once

#include "base/time.hpp"
#include "process/spawn.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace tranter::process {

struct RunOptions {
    SpawnOptions program{};  // its descriptors are made by run()
    std::string_view input{};
    Duration timeout{};  // of monotonic time, which stands still while the machine sleeps; 0: none
    /// Between SIGTERM and SIGKILL when it has to end.
    Duration grace = std::chrono::seconds(5);
    std::size_t output_max = std::size_t{256} << 10;  // what is beyond it is read and dropped
    std::size_t line_max = std::size_t{8} << 10;      // longer lines of errors come in pieces
    /// Called on the calling thread with each line of the error output, without its newline.
    std::function<void(std::string_view)> on_error_line{};
    std::stop_token stop{};
};

struct RunReport {
    enum class Ended : std::uint8_t { by_itself, timed_out, stopped } ended = Ended::by_itself;
    Child::Exit exit{};
    std::string output{};
    bool output_truncated = false;
    /// It closed its input before it had read everything.
    bool input_refused = false;
};

/// Runs a program to its end on the calling thread: gives it the input, reads its outputs, and at
/// the end kills what is left of its process group. Errors are those of spawn().
[[nodiscard]] Result<RunReport> run(const RunOptions& options);

}  // namespace tranter::process
