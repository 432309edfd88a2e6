#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

/// Text with values in it, for those who have no formatting library: `{}` stands for the next
/// value, `{{` and `}}` for braces. Nothing else is known between braces.
namespace tranter {

/// Refers to its text; only meant to be built in the call.
class FormatValue {
  public:
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    template <std::convertible_to<std::string_view> Text>
    // NOLINTNEXTLINE(google-explicit-constructor): it is the argument of a call
    FormatValue(const Text& text) : value_(std::string_view(text)) {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    FormatValue(std::same_as<bool> auto value) : value_(value) {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    FormatValue(std::signed_integral auto value) : value_(std::int64_t{value}) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    // NOLINTNEXTLINE(google-explicit-constructor)
    FormatValue(T value) : value_(std::uint64_t{value}) {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    FormatValue(std::floating_point auto value) : value_(static_cast<double>(value)) {}

    const Value& value() const { return value_; }

  private:
    Value value_;
};

namespace detail {

/// Each is the name of what the compiler complains about.
inline void format_has_a_single_brace() {}
inline void format_has_another_number_of_values() {}

consteval void check_format(std::string_view text, std::size_t values) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{' && text[i] != '}') continue;
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '{' && next == '}') {
            ++found;
        } else if (next != text[i]) {
            format_has_a_single_brace();
        }
        ++i;
    }
    if (found != values) format_has_another_number_of_values();
}

}  // namespace detail

/// A literal that has as many `{}` as there are values; anything else does not compile.
template <class... Values>
class FormatText {
  public:
    template <std::convertible_to<std::string_view> Text>
    // NOLINTNEXTLINE(google-explicit-constructor): it is the argument of a call
    consteval FormatText(const Text& text) : text_(text) {
        detail::check_format(text_, sizeof...(Values));
    }

    std::string_view view() const { return text_; }

  private:
    std::string_view text_;
};

namespace detail {

std::string format_values(std::string_view text, std::span<const FormatValue> values);

}  // namespace detail

/// Texts, integers, bools and floating-point numbers (the shortest form that reads back the same).
template <class... Values>
std::string format_text(FormatText<std::type_identity_t<Values>...> text, const Values&... values) {
    const FormatValue all[] = {std::string_view(), FormatValue(values)...};
    return detail::format_values(text.view(), std::span(all).subspan(1));
}

}  // namespace tranter
