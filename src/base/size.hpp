#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tranter {

/// Reads one number and one unit: "512B", "256KiB", "1 MiB", "10MB". Binary units (KiB, MiB, GiB,
/// TiB) are powers of 1024, decimal ones (kB, KB, MB, GB, TB) powers of 1000. A number without a
/// unit, a sign, a fraction of a byte and an overflow are `invalid_argument`.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact form: "0B", "1MiB", "1500B". parse_size reads it back.
std::string format_size(std::uint64_t bytes);

}  // namespace tranter
