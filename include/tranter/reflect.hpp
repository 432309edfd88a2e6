#pragma once

#include <tranter/field_tables.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

/// The fields of a plain struct: how many, where, and what they are called. At compile time, for
/// g++ from 12 and clang from 16, without a macro or a registration.
///
/// The struct is an aggregate without base classes and with 0 to 32 fields, none of them a
/// reference or a bit-field; fields may have default initialisers, and static members do not count.
namespace tranter {

namespace detail {

/// Converts to every base class of T and to nothing else.
template <class T>
struct AnyBaseOf {
    template <class Base>
        requires(std::is_base_of_v<Base, T> && !std::same_as<Base, T>)
    // NOLINTNEXTLINE(google-explicit-constructor): it is there to be converted
    operator Base() const;
};

template <class T>
inline constexpr bool has_base_class = requires {
    T{AnyBaseOf<T>{}};
};

/// Text as a template argument, so that a compiler's complaint shows the name of the field.
template <std::size_t length>
struct FieldName {
    char text[length + 1]{};

    // NOLINTNEXTLINE(bugprone-string-constructor): a name of length 0 is never made
    constexpr std::string_view view() const { return {text, length}; }
};

constexpr bool is_identifier_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

/// The identifier at the end of `text`.
constexpr std::string_view last_identifier(std::string_view text) {
    std::size_t begin = text.size();
    while (begin > 0 && is_identifier_part(text[begin - 1]))
        --begin;
    return text.substr(begin);
}

/// An object whose members have addresses, though none of them is ever constructed. It is defined,
/// because an `extern` one must not have a local type.
template <class T>
union Unconstructed {
    char nothing;
    T object;

    constexpr Unconstructed() : nothing() {}
    constexpr ~Unconstructed() {}
};
template <class T>
inline constinit Unconstructed<T> unconstructed{};

// g++: `consteval auto member_text() [with auto* member = (& unconstructed<T>...T::name)]`
// clang: `auto member_text() [member = &unconstructed.object.name]`
template <auto* member>
consteval auto member_text() {
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_suffix(text.ends_with(")]") ? 2 : 1);
    return last_identifier(text);
}

template <std::size_t index, class T>
consteval const auto* member_pointer() {
    return with_members<initialisable_count<T>()>(
        std::as_const(unconstructed<T>.object),
        []<class... Member>(const Member&... member) {
            return [&]<std::size_t... before>(std::index_sequence<before...>) {
                return [](decltype((void)before, (const void*)nullptr)..., auto* found, auto*...) {
                    return found;
                }(&member...);
            }
            (std::make_index_sequence<index>());
        }
    );
}

/// A copy of the name alone, or the whole text of the compiler would stay in the program.
template <std::size_t index, class T>
inline constexpr auto field_name = [] {
    constexpr std::string_view text = member_text<member_pointer<index, T>()>();
    FieldName<text.size()> name;
    for (std::size_t i = 0; i < text.size(); ++i)
        name.text[i] = text[i];
    return name;
}();

}  // namespace detail

/// Fails to compile, and says why, for a type that is not as described above.
template <class T>
consteval std::size_t field_count() {
    static_assert(
        std::is_class_v<T> && std::is_aggregate_v<T>,
        "this type is no plain struct: it has constructors, private fields or virtual functions"
    );
    static_assert(
        std::default_initializable<T>, "this struct has a field that cannot be left out: T{} fails"
    );
    static_assert(
        !detail::has_base_class<T>, "this struct has a base class: make it a field instead"
    );
    constexpr std::size_t count = detail::initialisable_count<T>();
    static_assert(
        count <= detail::field_count_max, "this struct has more than 32 fields: put some together"
    );
    return count;
}

/// Calls `use(first, second, ...)` with references to the fields, in the order of declaration.
template <class T, class Use>
constexpr decltype(auto) with_fields(T& object, Use&& use) {
    return detail::with_members<field_count<std::remove_const_t<T>>()>(
        object, std::forward<Use>(use)
    );
}

/// The names of the fields, in the order of declaration.
template <class T>
inline constexpr auto field_names = []<std::size_t... index>(std::index_sequence<index...>) {
    return std::array<std::string_view, sizeof...(index)>{detail::field_name<index, T>.view()...};
}
(std::make_index_sequence<field_count<T>()>());

namespace detail {

struct ReflectProbe {
    struct Inner {
        int one;
        int two = 2;
        constexpr bool operator==(const Inner&) const = default;
    };
    int first_field = 1;
    Inner inner{};
    Inner last[2]{};
};
static_assert(
    field_names<ReflectProbe> == std::array<std::string_view, 3>{"first_field", "inner", "last"},
    "reflect.hpp cannot find the names of fields with this compiler: __PRETTY_FUNCTION__ looks "
    "different from what g++ 12 and clang 19 make of it"
);

}  // namespace detail

}  // namespace tranter
