#pragma once

#include <tranter/enum_names.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tranter::jobs {

/// The name of an enumerator; "unknown" for a value that has none.
template <class E>
std::string_view enum_text(E value) {
    const auto names = enum_names<E>();
    const auto found = std::ranges::find(names, static_cast<std::uint8_t>(value), &EnumName::value);
    return found == names.end() ? std::string_view("unknown") : found->name;
}

}  // namespace tranter::jobs
