#pragma once

#include <tranter/enum_names.hpp>
#include <tranter/error.hpp>
#include <tranter/json.hpp>
#include <tranter/payload_writer.hpp>
#include <tranter/reflect.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

/// Which types a payload may consist of; payload.hpp says how each looks as JSON.
namespace tranter::detail {

template <class T, class... Other>
concept OneOf = (std::same_as<T, Other> || ...);

template <class T>
concept Integer = std::integral<T> && !OneOf<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;

template <class T>
concept Number = OneOf<T, float, double>;

template <class T>
concept Enumeration = FixedEnum<T> && !std::same_as<T, std::byte>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t size>
inline constexpr bool is_array<std::array<T, size>> = true;

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class First, class Second>
inline constexpr bool is_tuple<std::pair<First, Second>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> =
    Integer<Rep> && (std::is_signed_v<Rep> || sizeof(Rep) < sizeof(std::int64_t)) &&
    (Period::den == 1 || (Period::num == 1 && 1'000'000'000 % Period::den == 0));

template <class T>
inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool is_time<std::chrono::time_point<std::chrono::system_clock, Duration>> =
    is_duration<Duration>;

template <class Duration>
inline constexpr TimeUnit time_unit{Duration::period::num, Duration::period::den};

/// std::map, std::unordered_map and what is like them; not std::multimap.
template <class T>
concept Map = requires(T map, typename T::key_type key) {
    typename T::mapped_type;
    map.clear();
    map.try_emplace(std::move(key));
}
&&(std::same_as<typename T::key_type, std::string> || Integer<typename T::key_type>);

/// std::vector, std::deque, std::list and what is like them.
template <class T>
concept Sequence =
    !OneOf<T, std::string, std::string_view> && requires(T items, typename T::value_type item) {
    items.clear();
    items.push_back(std::move(item));
    items.begin() != items.end();
};

/// A std::vector or std::array of std::byte, which becomes base64.
template <class T>
concept Bytes = std::same_as<typename T::value_type, std::byte> && requires(T bytes) {
    { bytes.data() } -> std::same_as<std::byte*>;
};

/// A struct that is a string in JSON, because it says how.
template <class T>
concept TextForm = requires(const T& value, std::string_view text) {
    { value.to_text() } -> std::same_as<std::string>;
    { T::from_text(text) } -> std::same_as<Result<T>>;
};

template <class T>
concept Struct = std::is_class_v<T> && std::is_aggregate_v<T> && !is_array<T>;

enum class Direction : bool { write, read };

template <class T, Direction direction>
consteval bool is_payload_type();

template <class Tuple, Direction direction>
consteval bool has_payload_elements() {
    return []<std::size_t... index>(std::index_sequence<index...>) {
        return (is_payload_type<std::tuple_element_t<index, Tuple>, direction>() && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<Tuple>>());
}

/// A struct counts without a look at its fields, so that it may contain a vector of itself; they
/// are looked at when it is written or read.
template <class T, Direction direction>
consteval bool is_payload_type() {
    if constexpr (std::is_const_v<T>) {
        return false;
    } else if constexpr (std::same_as<T, std::string_view>) {
        return direction == Direction::write;
    } else if constexpr (OneOf<T, bool, std::string, Json> || Integer<T> || Number<T>) {
        return true;
    } else if constexpr (TextForm<T>) {
        return true;
    } else if constexpr (Enumeration<T> || is_duration<T> || is_time<T> || Bytes<T>) {
        return true;
    } else if constexpr (is_optional<T>) {
        // Both of these would have two values that look like null.
        using Value = typename T::value_type;
        return !is_optional<Value> && !std::same_as<Value, Json> &&
               is_payload_type<Value, direction>();
    } else if constexpr (is_tuple<T>) {
        return has_payload_elements<T, direction>();
    } else if constexpr (Map<T>) {
        return is_payload_type<typename T::mapped_type, direction>();
    } else if constexpr (is_array<T> || Sequence<T>) {
        return is_payload_type<typename T::value_type, direction>();
    } else {
        return Struct<T>;
    }
}

/// Instantiated for each field, so that the compiler's complaint names all three.
template <class Owner, FieldName name, class Type>
struct FieldIsWritten {
    static_assert(
        is_payload_type<Type, Direction::write>(),
        "this field cannot be written as JSON: `FieldIsWritten<struct, name, type>` says which "
        "field and which type, and payload.hpp which types can"
    );
    static constexpr bool ok = true;
};
template <class Owner, FieldName name, class Type>
struct FieldIsRead {
    static_assert(
        is_payload_type<Type, Direction::read>(),
        "this field cannot be read from JSON: `FieldIsRead<struct, name, type>` says which field "
        "and which type, and payload.hpp which types can"
    );
    static constexpr bool ok = true;
};

}  // namespace tranter::detail
