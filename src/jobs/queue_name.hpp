#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string_view>

/// Names of queues of jobs, in stores of our own.
namespace tranter::jobs {

/// Of a queue for the dead letters of another one; it has none itself.
inline constexpr std::string_view dead_suffix = "-dlq";
inline constexpr std::string_view fifo_suffix = ".fifo";
inline constexpr std::size_t queue_name_bytes_max = 80;

/// `invalid_argument` unless it is 1 to 80 letters, digits, - and _, with room for the dead_suffix.
[[nodiscard]] Result<> check_queue_name(std::string_view name);

}  // namespace tranter::jobs
