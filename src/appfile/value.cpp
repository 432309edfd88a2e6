#include "appfile/value.hpp"

#include "base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace tranter::appfile {
namespace {

/// Digits of the shortest text that reads back as the same number, and where its point is: 0.012
/// is {"12", -1}.
struct Digits {
    std::string digits{};
    int point = 0;
};

Digits shortest_digits(double number) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(
        buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific
    );
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
    const std::size_t e = text.find('e');
    Digits out;
    for (const char c : text.substr(0, e))
        if (c != '.') out.digits += c;
    int exponent = 0;
    const std::string_view power = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    out.point = exponent + 1;
    return out;
}

void write_json(JsonWriter& writer, const Value& value) {
    if (const auto* text = value.text()) {
        writer.value(*text);
    } else if (const auto* number = value.number()) {
        writer.raw(std::isfinite(*number) ? to_text(*number) : "null");
    } else if (const auto* flag = value.flag()) {
        writer.value(*flag);
    } else if (const auto* array = value.array()) {
        writer.begin_array();
        for (const Value& element : *array)
            write_json(writer, element);
        writer.end_array();
    } else if (const auto* object = value.object()) {
        writer.begin_object();
        for (const Member& member : *object) {
            if (member.value.is_undefined()) continue;
            writer.key(member.key);
            write_json(writer, member.value);
        }
        writer.end_object();
    } else {
        writer.null();
    }
}

}  // namespace

const Value* find_member(const Value::Object& object, std::string_view key) {
    const auto found = std::ranges::find(object, key, &Member::key);
    if (found == object.end() || found->value.is_undefined()) return nullptr;
    return &found->value;
}

void set_member(Value::Object& object, std::string key, Value value) {
    const auto found = std::ranges::find(object, key, &Member::key);
    if (found == object.end()) {
        object.push_back({std::move(key), std::move(value)});
    } else {
        found->value = std::move(value);
    }
}

std::string_view kind_of(const Value& value) {
    constexpr std::array<std::string_view, 8> names{
        "undefined", "null", "a boolean", "a number", "text", "a list", "an object", "a function"};
    return names[value.data.index()];
}

std::string to_text(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    if (number == 0) return "0";
    if (number < 0) return "-" + to_text(-number);
    auto [digits, point] = shortest_digits(number);
    const int length = static_cast<int>(digits.size());
    if (length <= point && point <= 21) {
        return digits.append(static_cast<std::size_t>(point - length), '0');
    }
    if (0 < point && point <= 21) return digits.insert(static_cast<std::size_t>(point), 1, '.');
    if (-6 < point && point <= 0) {
        return "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    }
    if (length > 1) digits.insert(1, 1, '.');
    return digits + (point > 0 ? "e+" : "e-") + std::to_string(std::abs(point - 1));
}

std::string to_text(const Value& value) {
    if (const auto* text = value.text()) return *text;
    if (const auto* number = value.number()) return to_text(*number);
    if (const auto* flag = value.flag()) return *flag ? "true" : "false";
    if (value.is_undefined()) return "undefined";
    if (const auto* array = value.array()) {
        std::string out;
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (i > 0) out += ',';
            if (!(*array)[i].is_nothing()) out += to_text((*array)[i]);
        }
        return out;
    }
    return value.is_nothing() ? "null" : "[object Object]";
}

std::string to_json(const Value& value) {
    std::string out;
    JsonWriter writer(out);
    write_json(writer, value);
    return out;
}

std::size_t weight_of(const Value& value) {
    std::size_t weight = sizeof(Value);
    if (const auto* text = value.text()) {
        weight += text->size();
    } else if (const auto* array = value.array()) {
        for (const Value& element : *array)
            weight += weight_of(element);
    } else if (const auto* object = value.object()) {
        for (const Member& member : *object)
            weight += sizeof(std::string) + member.key.size() + weight_of(member.value);
    }
    return weight;
}

}  // namespace tranter::appfile
