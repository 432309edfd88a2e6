#include "sqs/message_attributes.hpp"

#include "base/encoding.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace tranter::sqs {

namespace {

constexpr std::size_t attributes_max = 10;
constexpr std::size_t type_bytes_max = 256;

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
    return text.size() >= lower_prefix.size() &&
           std::ranges::equal(text.substr(0, lower_prefix.size()), lower_prefix, {}, [](char c) {
               return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
           });
}

Failure invalid(std::string message) {
    return {Code::invalid_parameter_value, std::move(message)};
}

Outcome<> check_attribute_name(std::string_view name) {
    if (name.empty()) {
        return Failed(invalid("Message (user) attribute names must not be empty."));
    }
    if (name.size() > attribute_name_bytes_max) {
        return Failed(invalid("Message (user) attribute names must be shorter than 256 Bytes"));
    }
    const bool alphabet = std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
    if (!alphabet || name.find("..") != std::string_view::npos) {
        return Failed(
            invalid("Message (user) attributes name can only contain upper and lower score "
                    "characters, digits, periods, hyphens and underscores. ")
        );
    }
    if (starts_with_ignoring_case(name, "aws.") || starts_with_ignoring_case(name, "amazon.") ||
        name.front() == '.' || name.back() == '.') {
        return Failed(
            invalid("You can't use message attribute names beginning with 'AWS.' or "
                    "'Amazon.'. These strings are reserved for internal use. "
                    "Additionally, they cannot start or end with '.'.")
        );
    }
    return {};
}

enum class Kind : std::uint8_t { string, number, binary };

std::optional<Kind> kind_of(std::string_view type) {
    const std::string_view prefix = type.substr(0, type.find('.'));
    if (prefix == "String") return Kind::string;
    if (prefix == "Number") return Kind::number;
    if (prefix == "Binary") return Kind::binary;
    return std::nullopt;
}

Outcome<Kind> check_type(const AttributeInput& input) {
    const std::string_view type = input.type.value_or(std::string_view());
    if (type.empty()) {
        return Failed(invalid(fmt::format(
            "Message (user) attribute '{}' must contain a non-empty attribute type.", input.name
        )));
    }
    const std::optional<Kind> kind = kind_of(type);
    if (!kind) {
        return Failed(invalid(fmt::format(
            "The type of message (user) attribute '{}' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String.",
            input.name
        )));
    }
    if (type.size() > type_bytes_max) {
        return Failed(invalid("Message (user) attribute types must be shorter than 256 Bytes"));
    }
    if (!is_message_text(type)) return Failed(invalid_characters());
    return *kind;
}

Failure empty_value(std::string_view name, std::string_view type) {
    return invalid(fmt::format(
        "Message (user) attribute '{}' must contain a non-empty value of type '{}'.",
        name,
        type.substr(0, type.find('.'))
    ));
}

Outcome<> check_text(const AttributeInput& input, Kind kind, Limits limits) {
    const std::string_view value = input.string_value.value_or(std::string_view());
    if (value.empty() && (limits == Limits::strict || !input.string_value)) {
        return Failed(empty_value(input.name, *input.type));
    }
    if (limits == Limits::strict && !is_message_text(value)) return Failed(invalid_characters());
    if (kind != Kind::number || value.empty()) return {};
    switch (check_number(value, limits)) {
        case NumberCheck::good:
            return {};
        case NumberCheck::malformed:
            return Failed(invalid(fmt::format(
                "Can't cast the value of message (user) attribute '{}' to a number.", input.name
            )));
        case NumberCheck::out_of_range:
            break;
    }
    return Failed(invalid(fmt::format(
        "Number attribute '{}' must have at most 38 digits and be in the range of 10^-128 to "
        "10^126.",
        input.name
    )));
}

/// The values of Binary attributes are kept in `decoded`, which the result refers to.
Outcome<MessageAttribute> check_attribute(
    const AttributeInput& input, Limits limits, std::deque<std::string>& decoded
) {
    if (Outcome<> good = check_attribute_name(input.name); !good) return Failed(good.error());
    const Outcome<Kind> kind = check_type(input);
    if (!kind) return Failed(kind.error());
    if (input.has_list) {
        return Failed(invalid(fmt::format(
            "Message (user) attribute '{}' has a list value; lists are reserved for later use.",
            input.name
        )));
    }
    if (*kind != Kind::binary) {
        if (Outcome<> good = check_text(input, *kind, limits); !good) return Failed(good.error());
        return MessageAttribute{input.name, *input.type, *input.string_value, false};
    }
    auto bytes = from_base64(input.binary_value.value_or(std::string_view()));
    if (!bytes) {
        return Failed(invalid(fmt::format(
            "The value of message (user) attribute '{}' is not valid base64.", input.name
        )));
    }
    if (bytes->empty() && (limits == Limits::strict || !input.binary_value)) {
        return Failed(empty_value(input.name, *input.type));
    }
    return MessageAttribute{input.name, *input.type, decoded.emplace_back(std::move(*bytes)), true};
}

}  // namespace

NumberCheck check_number(std::string_view text, Limits limits) {
    constexpr int digits_max = 38;
    constexpr int exponent_min = -128;
    constexpr int exponent_max = 126;
    std::size_t i = 0;
    const auto at_digit = [&] {
        return i < text.size() && text[i] >= '0' && text[i] <= '9';
    };
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;

    // Significant digits seen, those of them up to the last that is not 0, the power of ten of the
    // first.
    long seen = 0;
    long significant = 0;
    long first_power = 0;
    long whole = 0;
    long fraction = 0;
    bool one = false;
    const auto take = [&](char digit) {
        if (seen == 0 && digit == '0') return;
        ++seen;
        if (seen == 1) one = digit == '1';
        if (digit != '0') significant = seen;
    };
    for (; at_digit(); ++i) {
        take(text[i]);
        ++whole;
        if (seen > 0) ++first_power;
    }
    if (i < text.size() && text[i] == '.') {
        for (++i; at_digit(); ++i) {
            take(text[i]);
            ++fraction;
            if (seen == 0) --first_power;
        }
    }
    if (whole + fraction == 0) return NumberCheck::malformed;
    long exponent = 0;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        const bool negative = i < text.size() && text[i] == '-';
        if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
        if (!at_digit()) return NumberCheck::malformed;
        for (; at_digit(); ++i)
            exponent = std::min(exponent * 10 + (text[i] - '0'), 1'000'000L);
        if (negative) exponent = -exponent;
    }
    if (i != text.size()) return NumberCheck::malformed;
    if (limits == Limits::relaxed || seen == 0) return NumberCheck::good;

    const long power = first_power - 1 + exponent;
    const bool above =
        power > exponent_max || (power == exponent_max && !(one && significant == 1));
    if (significant > digits_max || power < exponent_min || above) return NumberCheck::out_of_range;
    return NumberCheck::good;
}

Outcome<CheckedAttributes> CheckedAttributes::check(
    std::vector<AttributeInput> inputs, Limits limits
) {
    CheckedAttributes checked;
    if (inputs.empty()) return checked;
    if (limits == Limits::strict && inputs.size() > attributes_max) {
        return Failed(invalid(fmt::format(
            "Number of message attributes [{}] exceeds the allowed maximum [{}].",
            inputs.size(),
            attributes_max
        )));
    }
    std::ranges::sort(inputs, {}, &AttributeInput::name);
    std::vector<MessageAttribute> attributes;
    std::deque<std::string> decoded;
    attributes.reserve(inputs.size());
    for (const AttributeInput& input : inputs) {
        const auto attribute = check_attribute(input, limits, decoded);
        if (!attribute) return Failed(attribute.error());
        attributes.push_back(*attribute);
        checked.bytes_ += attribute->name.size() + attribute->type.size() + attribute->value.size();
    }
    checked.md5_ = attributes_md5(attributes);
    EncodedAttributes::encode(attributes, checked.md5_, checked.encoded_);
    return checked;
}

}  // namespace tranter::sqs
