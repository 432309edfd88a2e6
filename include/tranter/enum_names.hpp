#pragma once

#include <tranter/reflect.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

/// The names of enumerators, read off the compiler as reflect.hpp reads those of fields.
namespace tranter {

/// An enum whose underlying type is written down, or an `enum class`: only these may hold a value
/// that is none of their enumerators, which is what looking for names takes.
template <class E>
concept FixedEnum = std::is_enum_v<E> && requires {
    E{std::underlying_type_t<E>{}};
};

struct EnumName {
    std::uint8_t value = 0;
    std::string_view name{};
};

namespace detail {

/// Enumerators with values from 0 to here have their names found.
inline constexpr int enum_value_max = 127;

// g++: `... [with auto ...values = {Color::red, (Color)1}]`, clang: `... [values = <Color::red,
// (Color)1>]`
template <auto... values>
consteval auto values_text() {
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_suffix(2);
    text.remove_prefix(text.find("values = ") + 10);
    return text;
}

template <class E>
inline constexpr std::size_t probed_values = [] {
    constexpr auto highest = std::numeric_limits<std::underlying_type_t<E>>::max();
    return std::size_t{highest < enum_value_max ? highest : enum_value_max} + 1;
}();

template <class E>
consteval std::string_view probed_text() {
    return []<int... value>(std::integer_sequence<int, value...>) {
        return values_text<static_cast<E>(value)...>();
    }
    (std::make_integer_sequence<int, static_cast<int>(probed_values<E>)>());
}

/// Where the next comma is that stands in no bracket, or the end.
constexpr std::size_t find_comma(std::string_view text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '<' || c == '(' || c == '{' || c == '[') ++open;
        if (c == '>' || c == ')' || c == '}' || c == ']') --open;
        if (c == ',' && open == 0) return i;
    }
    return text.size();
}

/// Calls `use(value, name)` for each value of the probed text that has a name.
template <class Use>
constexpr void for_each_enumerator(std::string_view text, Use use) {
    for (std::uint8_t value = 0; !text.empty(); ++value) {
        const std::size_t comma = find_comma(text);
        const std::string_view name = last_identifier(text.substr(0, comma));
        if (!name.empty() && (name[0] < '0' || name[0] > '9')) use(value, name);
        text.remove_prefix(comma == text.size() ? comma : comma + 1);
    }
}

/// The names alone, one after the other: the whole text would be several kilobytes of a program.
template <class E>
inline constexpr auto enum_letters = [] {
    constexpr std::size_t length = [] {
        std::size_t sum = 0;
        for_each_enumerator(probed_text<E>(), [&](auto, std::string_view name) {
            sum += name.size();
        });
        return sum;
    }();
    FieldName<length> letters;
    std::size_t used = 0;
    for_each_enumerator(probed_text<E>(), [&](auto, std::string_view name) {
        for (const char c : name)
            letters.text[used++] = c;
    });
    return letters;
}();

template <class E>
inline constexpr auto enum_table = [] {
    constexpr std::size_t count = [] {
        std::size_t sum = 0;
        for_each_enumerator(probed_text<E>(), [&](auto, std::string_view) { ++sum; });
        return sum;
    }();
    std::array<EnumName, count> table{};
    std::size_t index = 0;
    std::size_t begin = 0;
    for_each_enumerator(probed_text<E>(), [&](std::uint8_t value, std::string_view name) {
        table[index++] = {value, enum_letters<E>.view().substr(begin, name.size())};
        begin += name.size();
    });
    return table;
}();

}  // namespace detail

/// The enumerators with values from 0 to 127, in the order of their values. Of two with the same
/// value only the first has a name.
template <FixedEnum E>
constexpr std::span<const EnumName> enum_names() {
    return detail::enum_table<E>;
}

namespace detail {

enum class EnumProbe : std::uint8_t { red, green, blue = 90, far = 200 };
static_assert(
    enum_names<EnumProbe>().size() == 3 && enum_names<EnumProbe>()[1].name == "green" &&
        enum_names<EnumProbe>()[2].name == "blue" && enum_names<EnumProbe>()[2].value == 90,
    "enum_names.hpp cannot find the names of enumerators with this compiler: __PRETTY_FUNCTION__ "
    "looks different from what g++ 12 and clang 19 make of it"
);

}  // namespace detail

}  // namespace tranter
