#pragma once

#include <tranter/job.hpp>

#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>
#include <tuple>

namespace tranter::postgres_jobs {

/// Seconds since 1970 as date_part('epoch', ...) says them: a double, whose 53 bits are exact to
/// the microsecond until 2255.
inline TimePoint time_of_seconds(std::string_view seconds) {
    double value = 0;
    std::ignore = std::from_chars(seconds.begin(), seconds.end(), value);
    return TimePoint(std::chrono::microseconds(std::llround(value * 1e6)));
}

}  // namespace tranter::postgres_jobs
