#pragma once

#include "cli/config_codec.hpp"
#include "cli/config_keys.hpp"

#include <cstdint>
#include <limits>
#include <string_view>

/// For the files that list keys.
namespace tranter::cli {

inline constexpr std::int64_t count_max = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t hour = 3600;
inline constexpr std::int64_t day = 24 * hour;
inline constexpr std::uint64_t mebibyte = 1048576;
inline constexpr std::uint64_t storage_max = std::uint64_t{1024} << 40U;

/// The member that pointers to members lead to, one after the other.
template <auto first, auto... rest>
constexpr auto& member_of(auto& owner) {
    if constexpr (sizeof...(rest) == 0) {
        return owner.*first;
    } else {
        return member_of<rest...>(owner.*first);
    }
}

template <class Config, class Codec, auto... members>
constexpr ConfigKey<Config> make_key(
    std::string_view path, std::string_view meaning, bool secret = false
) {
    return {
        .path = path,
        .read = [](const ConfigNode& node,
                   Config& config) { return Codec::read(node, member_of<members...>(config)); },
        .write = [](const Config& config) { return Codec::write(member_of<members...>(config)); },
        .describe = &Codec::describe,
        .shape = Codec::shape,
        .meaning = meaning,
        .secret = secret,
    };
}

}  // namespace tranter::cli
