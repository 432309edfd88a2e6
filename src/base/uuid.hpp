#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter {

/// Big-endian, as RFC 4122 numbers the bytes.
using Uuid = std::array<std::uint8_t, 16>;

/// A new version 4 UUID from this thread's generator (xoshiro256**, seeded by the kernel). Unique,
/// but not a secret: who sees several can compute the next.
Uuid make_uuid();
/// A version 7 UUID (RFC 9562): begins with the time in milliseconds and a fraction of them, so
/// that ids made one after the other stand next to each other in an index. Those of one thread
/// ascend while the clock is not set back. The same promise.
Uuid make_time_ordered_uuid();

/// 8-4-4-4-12 lower-case hexadecimal digits.
void append_uuid(std::string& out, const Uuid& uuid);
std::string format_uuid(const Uuid& uuid);
/// Reads that form, in either case.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace tranter
