#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tranter::cli {

/// For tables: "90s", "15m", "36h", "12d", rounded down; "0s" for what is negative.
std::string short_duration(std::chrono::microseconds duration);

/// For tables: "512 B", "34.2 MiB", of three or four digits.
std::string short_size(std::uint64_t bytes);

/// A share of a processor as "12.5%"; "340%" of several.
std::string short_percent(double share);

/// For tables: "0", "0.3", "12", "1530", of things or milliseconds; "-" for what is no number.
std::string short_number(double value);

}  // namespace tranter::cli
