#pragma once

#include <array>
#include <string_view>

namespace tranter::providers {

/// What the URL of a store of jobs may begin with, in front of the colon.
inline constexpr std::array<std::string_view, 7> schemes = {
    "memory", "file", "http", "https", "sqs", "postgres", "postgresql"};

}  // namespace tranter::providers
