#include "aws/json.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <iterator>

namespace tranter::aws {

namespace {

// Deeper documents are refused rather than risk the stack; SQS answers have four levels.
constexpr int depth_max = 64;

Result<Json> convert(const simdjson::dom::element& element, int depth) {
    using simdjson::dom::element_type;
    if (depth > depth_max) return fail(Errc::invalid_argument, "json is nested too deeply");
    switch (element.type()) {
        case element_type::ARRAY: {
            Json::Array array;
            const simdjson::dom::array items = element.get_array().value_unsafe();
            for (const auto item : items) {
                auto value = convert(item, depth + 1);
                if (!value) return value;
                array.push_back(std::move(*value));
            }
            return Json(std::move(array));
        }
        case element_type::OBJECT: {
            Json::Object object;
            const simdjson::dom::object members = element.get_object().value_unsafe();
            for (const auto member : members) {
                auto value = convert(member.value, depth + 1);
                if (!value) return value;
                object.push_back({std::string(member.key), std::move(*value)});
            }
            return Json(std::move(object));
        }
        case element_type::INT64:
            return Json(element.get_int64().value_unsafe());
        // Larger than any number that means something here; digits are lost, not the magnitude.
        case element_type::UINT64:
            return Json(static_cast<double>(element.get_uint64().value_unsafe()));
        case element_type::DOUBLE:
            return Json(element.get_double().value_unsafe());
        case element_type::STRING:
            return Json(std::string_view(element));
        case element_type::BOOL:
            return Json(element.get_bool().value_unsafe());
        case element_type::NULL_VALUE:
            break;
    }
    return Json();
}

void append_escaped(std::string& out, unsigned value) {
    if (value < 0x10000) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", value);
        return;
    }
    const unsigned offset = value - 0x10000;
    fmt::format_to(
        std::back_inserter(out),
        "\\u{:04x}\\u{:04x}",
        0xd800 + (offset >> 10U),
        0xdc00 + (offset & 0x3ffU)
    );
}

void append_text(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        const auto value = static_cast<unsigned>(point.value);
        if (!point.valid) {
            out += "\\ufffd";
        } else if (value == '"' || value == '\\') {
            out += '\\';
            out += static_cast<char>(value);
        } else if (value == '\n') {
            out += "\\n";
        } else if (value == '\t') {
            out += "\\t";
        } else if (is_steering(point.value)) {
            append_escaped(out, value);
        } else {
            out += text.substr(at, point.bytes);
        }
        at += point.bytes;
    }
    out += '"';
}

/// JSON as it is, but for what could steer a terminal: that only stands in its strings, or is a
/// blank between its tokens.
void append_json(std::string& out, std::string_view json) {
    for (std::size_t at = 0; at < json.size();) {
        const CodePoint point = code_point_at(json, at);
        if (!point.valid) {
            out += "\\ufffd";
        } else if (point.value < 0x20) {
            out += ' ';
        } else if (is_steering(point.value)) {
            append_escaped(out, static_cast<unsigned>(point.value));
        } else {
            out += json.substr(at, point.bytes);
        }
        at += point.bytes;
    }
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(text);
    const auto document = parser.parse(padded);
    if (const auto error = document.error(); error != simdjson::SUCCESS) {
        return fail(Errc::invalid_argument, std::string(simdjson::error_message(error)));
    }
    return convert(document.value_unsafe(), 0);
}

Json Json::verbatim(std::string text) {
    Json value;
    value.value_ = Verbatim{std::move(text)};
    return value;
}

std::string_view Json::text() const& {
    const auto* text = std::get_if<std::string>(&value_);
    return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::int64_t Json::number() const {
    if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
    if (const auto* number = std::get_if<double>(&value_)) {
        return std::abs(*number) < 9e18 ? static_cast<std::int64_t>(*number) : 0;
    }
    std::int64_t number = 0;
    const std::string_view digits = text();
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

const Json::Array& Json::items() const& {
    static const Array none;
    const auto* array = std::get_if<Array>(&value_);
    return array == nullptr ? none : *array;
}

const Json::Object& Json::members() const& {
    static const Object none;
    const auto* object = std::get_if<Object>(&value_);
    return object == nullptr ? none : *object;
}

const Json& Json::operator[](std::string_view name) const& {
    static const Json null;
    for (const JsonMember& member : members()) {
        if (member.name == name) return member.value;
    }
    return null;
}

Json& Json::set(std::string_view name, Json value) {
    if (is_null()) value_ = Object();
    std::get<Object>(value_).push_back({std::string(name), std::move(value)});
    return *this;
}

Json& Json::push(Json value) {
    if (is_null()) value_ = Array();
    std::get<Array>(value_).push_back(std::move(value));
    return *this;
}

std::string Json::dump() const {
    std::string out;
    append_to(out);
    return out;
}

void Json::append_to(std::string& out) const {
    if (const auto* flag = std::get_if<bool>(&value_)) {
        out += *flag ? "true" : "false";
    } else if (const auto* number = std::get_if<std::int64_t>(&value_)) {
        out += fmt::to_string(*number);
    } else if (const auto* real = std::get_if<double>(&value_)) {
        out += fmt::to_string(*real);
    } else if (is_text()) {
        append_text(out, text());
    } else if (const auto* array = std::get_if<Array>(&value_)) {
        out += '[';
        for (const Json& item : *array) {
            if (&item != array->data()) out += ',';
            item.append_to(out);
        }
        out += ']';
    } else if (const auto* object = std::get_if<Object>(&value_)) {
        out += '{';
        for (const JsonMember& member : *object) {
            if (&member != object->data()) out += ',';
            append_text(out, member.name);
            out += ':';
            member.value.append_to(out);
        }
        out += '}';
    } else if (const auto* verbatim = std::get_if<Verbatim>(&value_)) {
        append_json(out, verbatim->text);
    } else {
        out += "null";
    }
}

bool is_valid_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace tranter::aws
