#include "base/quantity.hpp"

#include "base/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace tranter {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string_view take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const std::string_view digits = text.substr(0, end - text.begin());
    text.remove_prefix(digits.size());
    return digits;
}

// Decimal digits as a number no greater than max; false on overflow.
bool read_digits(std::string_view digits, std::uint64_t max, std::uint64_t& value) {
    for (const char c : digits) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (max - digit) / 10) return false;
        value = value * 10 + digit;
    }
    return true;
}

// Keeps digits * factor within 64 bits for the largest unit, one tebibyte.
constexpr std::size_t fraction_digits_max = 6;

// The fraction ".digits" of `factor`, or false when it is not a whole number.
bool read_fraction(std::string_view digits, std::uint64_t factor, std::uint64_t& value) {
    while (!digits.empty() && digits.back() == '0')
        digits.remove_suffix(1);
    if (digits.size() > fraction_digits_max) return false;
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;
    for (const char c : digits) {
        numerator = numerator * 10 + static_cast<std::uint64_t>(c - '0');
        denominator *= 10;
    }
    value = numerator * factor / denominator;
    return numerator * factor % denominator == 0;
}

std::unexpected<Error> refuse(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

Result<std::uint64_t> find_factor(
    std::string_view unit, std::string_view text, const QuantityRule& rule
) {
    const auto found = std::ranges::find(rule.units, unit, &QuantityUnit::name);
    if (found != rule.units.end()) return found->factor;
    std::vector<std::string_view> names;
    for (const QuantityUnit& known : rule.units)
        names.push_back(known.name);
    return refuse(fmt::format(
        "\"{}\" has the unknown unit \"{}\"{}, write a {} like \"{}\"",
        text,
        unit,
        did_you_mean(unit, names),
        rule.noun,
        rule.example
    ));
}

}  // namespace

Result<std::uint64_t> parse_quantity(std::string_view text, const QuantityRule& rule) {
    std::string_view rest = trim(text);
    if (rest.starts_with('-')) {
        return refuse(fmt::format("\"{}\" is negative, a {} starts at 0", text, rule.noun));
    }
    const std::string_view whole = take_digits(rest);
    std::string_view fraction;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take_digits(rest);
        if (fraction.empty()) rest = std::string_view();
    }
    const std::string_view unit = trim(rest);
    if (whole.empty()) {
        return refuse(fmt::format(
            "\"{}\" is not a {}, write a number and a unit like \"{}\"",
            text,
            rule.noun,
            rule.example
        ));
    }
    if (unit.empty()) {
        return refuse(
            fmt::format("\"{}\" has no unit, write a {} like \"{}\"", text, rule.noun, rule.example)
        );
    }
    const Result<std::uint64_t> factor = find_factor(unit, text, rule);
    if (!factor) return std::unexpected(factor.error());

    std::uint64_t count = 0;
    std::uint64_t part = 0;
    if (!read_digits(whole, rule.max, count) || count > rule.max / *factor) {
        return refuse(fmt::format("\"{}\" is too large for a {}", text, rule.noun));
    }
    if (!read_fraction(fraction, *factor, part)) {
        return refuse(
            fmt::format("\"{}\" is too fine for a {}, use a smaller unit", text, rule.noun)
        );
    }
    const std::uint64_t value = count * *factor;
    if (value > rule.max - part) {
        return refuse(fmt::format("\"{}\" is too large for a {}", text, rule.noun));
    }
    return value + part;
}

}  // namespace tranter
