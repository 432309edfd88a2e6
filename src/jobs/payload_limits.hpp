#pragma once

#include <string>

namespace tranter::jobs {

/// How many arrays and objects may stand in each other: what is written can be read again.
inline constexpr unsigned payload_depth_max = 64;

/// How many more stand around such a value where jobs are written as JSON.
inline constexpr unsigned envelope_depth_max = 4;

inline std::string too_deep() {
    return "nested deeper than " + std::to_string(payload_depth_max) + " arrays and objects";
}

}  // namespace tranter::jobs
