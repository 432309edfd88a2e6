#pragma once

#include <tranter/payload_reader.hpp>
#include <tranter/payload_types.hpp>
#include <tranter/payload_writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// Plain structs as JSON and back, without a macro or a list of fields.
///
///     struct SendWelcome {
///         std::uint64_t user_id{};
///         std::string locale = "en";
///     };
///     to_json(SendWelcome{.user_id = 42});        // {"user_id":42,"locale":"en"}
///     from_json<SendWelcome>(R"({"user_id":7})"); // locale keeps its default
///
/// | in C++ | in JSON |
/// |---|---|
/// | struct (reflect.hpp) | object; unknown members are ignored, missing ones keep their default |
/// | bool | true, false |
/// | integers up to 64 bit, but no `char` | number, exact |
/// | float, double | number, the shortest that reads back the same; NaN and infinity are refused |
/// | std::string | string; must be UTF-8. std::string_view can be written, not read |
/// | enum class, enum with a type | see below |
/// | std::optional | left out when empty and empty by default, else null; in an array null |
/// | std::vector, std::deque, std::list | array |
/// | std::array, std::pair, std::tuple | array of exactly that size |
/// | maps with std::string or integer keys | object; unordered ones are sorted by key |
/// | durations with an integer count | "90s", "1500ms": one number, one unit, from 0 up |
/// | std::chrono::sys_time | "2026-11-03T04:05:06.123Z"; any offset is read |
/// | vector and array of std::byte | base64 |
/// | struct with to_text() and a static from_text(): TextForm in payload_types.hpp | string |
/// | Json | whatever it holds |
///
/// An enumerator with a value from 0 to 127 is written and read by its name, so that others may be
/// inserted before it. All names in that range are known, so a value in it without a name is
/// refused both ways (a mask of bits is better an integer). Values outside of it are numbers, and
/// so is every value of an enum that has no name in it, like `enum class UserId : std::uint64_t
/// {}`.
///
/// Reading refuses what is not JSON, trailing text, the same key twice in an object, more than 64
/// arrays and objects in each other, a fraction of a second that a time cannot hold, and every
/// value of another type. Errors are `invalid_argument` and name the path:
/// `$.items[3].price: expected number, got "abc"`. Writing refuses what could not be read again.
namespace tranter {

namespace detail {

template <class T>
bool write_value(PayloadWriter& out, const T& value);
template <class T>
bool read_value(PayloadReader& in, T& value);

template <class T>
bool write_erased(PayloadWriter& out, const void* value) {
    return write_value(out, *static_cast<const T*>(value));
}
template <class T>
bool read_erased(PayloadReader& in, void* value) {
    return read_value(in, *static_cast<T*>(value));
}

template <class Owner, FieldName name, class T>
MemberToWrite member_to_write(const T& value, const T& fresh) {
    static_assert(FieldIsWritten<Owner, name, T>::ok);
    if constexpr (is_optional<T>) {
        if (!value.has_value() && !fresh.has_value()) return {name.view(), nullptr, nullptr};
    }
    return {name.view(), &value, &write_erased<T>};
}

template <class Owner, FieldName name, class T>
MemberToRead member_to_read(T& value) {
    static_assert(FieldIsRead<Owner, name, T>::ok);
    return {name.view(), &value, &read_erased<T>};
}

/// What a struct is unless told otherwise, for those that have an optional. An optional that is
/// empty, but not so by default, has to be written, or it would come back full.
template <Struct T>
const T& fresh_struct(const T& value) {
    const bool needed = with_fields(value, []<class... Field>(const Field&...) {
        return (is_optional<Field> || ...);
    });
    if (!needed) return value;
    static const T fresh{};
    return fresh;
}

template <Struct T>
auto members_to_write(const T& value) {
    constexpr std::size_t count = field_count<T>();
    return with_fields(value, [&](const auto&... field) {
        return with_fields(fresh_struct(value), [&](const auto&... fresh) {
            return [&]<std::size_t... index>(std::index_sequence<index...>) {
                return std::array<MemberToWrite, count>{
                    member_to_write<T, field_name<index, T>>(field, fresh)...};
            }
            (std::make_index_sequence<count>());
        });
    });
}

template <Struct T>
bool read_struct(PayloadReader& in, T& value) {
    constexpr std::size_t count = field_count<T>();
    return with_fields(value, [&](auto&... field) {
        return [&]<std::size_t... index>(std::index_sequence<index...>) {
            return in.object(std::array<MemberToRead, count>{
                member_to_read<T, field_name<index, T>>(field)...});
        }
        (std::make_index_sequence<count>());
    });
}

template <class T>
inline constexpr IntegerRange integer_range{
    static_cast<std::int64_t>(std::numeric_limits<T>::min()),
    static_cast<std::uint64_t>(std::numeric_limits<T>::max())};

/// The 64-bit integer of the same signedness.
template <class T>
using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;

template <Enumeration E>
bool write_enum(PayloadWriter& out, E value) {
    const auto number = static_cast<std::underlying_type_t<E>>(value);
    const auto wide = static_cast<Wide<decltype(number)>>(number);
    const std::span<const EnumName> names = enum_names<E>();
    if (names.empty() || std::cmp_less(wide, 0) || std::cmp_greater(wide, enum_value_max)) {
        return out.integer(wide);
    }
    return out.enumerator(static_cast<std::uint8_t>(wide), names);
}

template <Enumeration E>
bool read_enum(PayloadReader& in, E& value) {
    using Underlying = std::underlying_type_t<E>;
    std::uint64_t bits = 0;
    if (!in.enumerator(bits, integer_range<Underlying>, enum_names<E>())) return false;
    value = static_cast<E>(static_cast<Underlying>(bits));
    return true;
}

template <class Tuple>
bool write_tuple(PayloadWriter& out, const Tuple& value) {
    if (!out.begin_array()) return false;
    const auto write = [&]<std::size_t... index>(std::index_sequence<index...>) {
        return ((out.element(index) && write_value(out, std::get<index>(value))) && ...);
    };
    return write(std::make_index_sequence<std::tuple_size_v<Tuple>>()) && out.end_array();
}

template <class Tuple>
bool read_tuple(PayloadReader& in, Tuple& value) {
    constexpr std::size_t size = std::tuple_size_v<Tuple>;
    return in.elements(size, [&](std::size_t wanted) {
        return [&]<std::size_t... index>(std::index_sequence<index...>) {
            return ((index != wanted || read_value(in, std::get<index>(value))) && ...);
        }
        (std::make_index_sequence<size>());
    });
}

template <class Items>
bool write_items(PayloadWriter& out, const Items& items) {
    if (!out.begin_array()) return false;
    std::size_t index = 0;
    for (const typename Items::value_type& item : items) {
        if (!out.element(index++) || !write_value(out, item)) return false;
    }
    return out.end_array();
}

template <Sequence Items>
bool read_items(PayloadReader& in, Items& items) {
    items.clear();
    return in.elements(PayloadReader::any_count, [&](std::size_t) {
        typename Items::value_type item{};
        if (!read_value(in, item)) return false;
        items.push_back(std::move(item));
        return true;
    });
}

inline std::string_view key_text(const std::string& key, IntegerText&) {
    return key;
}
template <Integer Key>
std::string_view key_text(Key key, IntegerText& text) {
    return text.write(Wide<Key>{key});
}

template <Map T>
bool write_map(PayloadWriter& out, const T& map) {
    using Value = typename T::mapped_type;
    if constexpr (requires { typename T::hasher; }) {
        std::vector<KeyedValue> entries;
        entries.reserve(map.size());
        for (const auto& [key, value] : map) {
            IntegerText text;
            entries.push_back({std::string(key_text(key, text)), &value});
        }
        return out.sorted_object(std::move(entries), &write_erased<Value>);
    } else {
        if (!out.begin_object()) return false;
        for (const auto& [key, value] : map) {
            IntegerText text;
            if (!out.member({key_text(key, text), &value, &write_erased<Value>})) return false;
        }
        return out.end_object();
    }
}

template <Map T>
bool read_map(PayloadReader& in, T& map) {
    using Key = typename T::key_type;
    map.clear();
    return in.members([&](std::string_view text) {
        Key key{};
        if constexpr (Integer<Key>) {
            Wide<Key> wide{};
            if (!in.key(text, wide, integer_range<Key>)) return false;
            key = static_cast<Key>(wide);
        } else {
            key = text;
        }
        const auto [entry, added] = map.try_emplace(std::move(key));
        return added ? read_value(in, entry->second) : in.refuse_repeated_key();
    });
}

template <Bytes T>
bool read_bytes(PayloadReader& in, T& value) {
    std::string bytes;
    if (!in.bytes(bytes)) return false;
    if constexpr (requires { value.resize(bytes.size()); }) {
        value.resize(bytes.size());
    } else if (bytes.size() != value.size()) {
        return in.refuse_size(value.size(), bytes.size());
    }
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), bytes.size());
    return true;
}

/// Durations, and times as the duration since 1970.
template <class Duration>
bool read_count(PayloadReader& in, Duration& value, ReadCount read) {
    std::int64_t count = 0;
    if (!(in.*read)(count, time_unit<Duration>)) return false;
    if (!std::in_range<typename Duration::rep>(count)) return in.refuse_count();
    value = Duration(static_cast<typename Duration::rep>(count));
    return true;
}

template <TextForm T>
bool read_text_form(PayloadReader& in, T& value) {
    std::string text;
    if (!in.text(text)) return false;
    auto read = T::from_text(text);
    if (!read) return in.refuse_text(read.error());
    value = std::move(*read);
    return true;
}

template <class T>
bool write_value(PayloadWriter& out, const T& value) {
    static_assert(
        is_payload_type<T, Direction::write>(),
        "this type cannot be written as JSON: see payload.hpp"
    );
    if constexpr (std::same_as<T, bool>) {
        return out.boolean(value);
    } else if constexpr (Integer<T>) {
        return out.integer(Wide<T>{value});
    } else if constexpr (Number<T>) {
        return out.number(value);
    } else if constexpr (OneOf<T, std::string, std::string_view>) {
        return out.text(value);
    } else if constexpr (std::same_as<T, Json>) {
        return out.json(value);
    } else if constexpr (TextForm<T>) {
        return out.text(value.to_text());
    } else if constexpr (Enumeration<T>) {
        return write_enum(out, value);
    } else if constexpr (is_duration<T>) {
        return out.duration(value.count(), time_unit<T>);
    } else if constexpr (is_time<T>) {
        return out.time(value.time_since_epoch().count(), time_unit<typename T::duration>);
    } else if constexpr (Bytes<T>) {
        return out.bytes(value.data(), value.size());
    } else if constexpr (is_optional<T>) {
        return value.has_value() ? write_value(out, *value) : out.null();
    } else if constexpr (is_tuple<T>) {
        return write_tuple(out, value);
    } else if constexpr (Map<T>) {
        return write_map(out, value);
    } else if constexpr (is_array<T> || Sequence<T>) {
        return write_items(out, value);
    } else {
        return out.object(members_to_write(value));
    }
}

template <class T>
bool read_value(PayloadReader& in, T& value) {
    static_assert(
        is_payload_type<T, Direction::read>(), "this type cannot be read from JSON: see payload.hpp"
    );
    if constexpr (std::same_as<T, bool>) {
        return in.boolean(value);
    } else if constexpr (Integer<T>) {
        Wide<T> wide{};
        if (!in.integer(wide, integer_range<T>)) return false;
        value = static_cast<T>(wide);
        return true;
    } else if constexpr (Number<T>) {
        return in.number(value);
    } else if constexpr (std::same_as<T, std::string>) {
        return in.text(value);
    } else if constexpr (std::same_as<T, Json>) {
        return in.json(value);
    } else if constexpr (TextForm<T>) {
        return read_text_form(in, value);
    } else if constexpr (Enumeration<T>) {
        return read_enum(in, value);
    } else if constexpr (is_duration<T>) {
        return read_count(in, value, &PayloadReader::duration);
    } else if constexpr (is_time<T>) {
        typename T::duration since_1970{};
        if (!read_count(in, since_1970, &PayloadReader::time)) return false;
        value = T(since_1970);
        return true;
    } else if constexpr (Bytes<T>) {
        return read_bytes(in, value);
    } else if constexpr (is_optional<T>) {
        if (in.take_null()) {
            value.reset();
            return true;
        }
        return read_value(in, value.emplace());
    } else if constexpr (is_tuple<T>) {
        return read_tuple(in, value);
    } else if constexpr (is_array<T>) {
        return in.elements(value.size(), [&](std::size_t index) {
            return read_value(in, value[index]);
        });
    } else if constexpr (Map<T>) {
        return read_map(in, value);
    } else if constexpr (Sequence<T>) {
        return read_items(in, value);
    } else {
        return read_struct(in, value);
    }
}

}  // namespace detail

/// `invalid_argument` with the path to what cannot be written.
template <class T>
[[nodiscard]] Result<std::string> to_json(const T& value) {
    return write_payload(&value, &detail::write_erased<T>);
}

/// `invalid_argument` with the path to what is wrong. Starts from T{}.
template <class T>
[[nodiscard]] Result<T> from_json(std::string_view text) {
    T value{};
    Result<void> done = read_payload(text, &value, &detail::read_erased<T>);
    if (!done) return std::unexpected(std::move(done.error()));
    return value;
}

}  // namespace tranter
