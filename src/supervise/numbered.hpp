#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// `text` with the number of an instance for each {number} in it.
inline std::string numbered(std::string_view text, std::uint32_t number) {
    constexpr std::string_view place = "{number}";
    const std::string digits = std::to_string(number);
    std::string out(text);
    for (std::size_t at = out.find(place); at != std::string::npos; at = out.find(place, at))
        out.replace(at, place.size(), digits);
    return out;
}

}  // namespace tranter::supervise
