#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tranter {

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha256Digest = std::array<std::uint8_t, 32>;

/// MD5 as SQS clients use it to check what they sent; it protects nothing.
Md5Digest md5(std::string_view data);

Sha256Digest sha256(std::string_view data);

/// HMAC with SHA-256 (RFC 2104).
Sha256Digest hmac_sha256(std::span<const std::uint8_t> key, std::string_view data);
Sha256Digest hmac_sha256(std::string_view key, std::string_view data);

/// Takes the same time wherever the first difference is. Lengths are not secret.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace tranter
