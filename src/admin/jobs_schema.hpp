#pragma once

#include "base/json_writer.hpp"

#include <tranter/payload.hpp>

#include <map>
#include <string>
#include <string_view>
#include <type_traits>

/// JSON schemas of structs, for the OpenAPI document: a struct says what payload.hpp reads into it.
namespace tranter::admin {

/// The schemas that others refer to by name.
class SchemaBook {
  public:
    using Write = void (*)(SchemaBook&, JsonWriter&);

    /// Writes a reference to the schema of this name, and keeps it for write_all().
    void refer(JsonWriter& json, std::string_view name, Write write);
    /// The members of an object: every schema that was referred to, and those they refer to.
    void write_all(JsonWriter& json);

  private:
    std::map<std::string, Write, std::less<>> schemas_;
};

namespace detail {

/// Whether a request may leave the member out.
bool may_be_missing(std::string_view type, std::string_view member, bool optional);
/// Whether an answer has the member even when it is empty, and then null.
bool may_be_null(std::string_view type, std::string_view member);
/// Whether clients write it, so that defaults mean something and unknown members are refused.
bool is_request(std::string_view type);
/// Adds what is known of a member beyond its type. `otherwise` is what leaving it out means; empty:
/// nothing. As text and not as `default`, because generators of clients take that for a promise
/// that the member is always there.
void describe_member(
    JsonWriter& json, std::string_view type, std::string_view member, std::string_view otherwise
);

/// The identifier of T without its namespaces.
template <class T>
std::string_view type_name() {
    // g++: `... [with T = a::B; std::string_view = ...]`; clang: `... [T = a::B]`
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("T = ") + 4);
    text = text.substr(0, text.find_first_of(";]"));
    return tranter::detail::last_identifier(text);
}

}  // namespace detail

template <class T>
void write_schema(SchemaBook& book, JsonWriter& json);

template <class T>
void write_type(SchemaBook& book, JsonWriter& json);

/// {"$ref": ...} for structs, else the schema itself.
template <class T>
void write_schema(SchemaBook& book, JsonWriter& json) {
    json.begin_object();
    write_type<T>(book, json);
    json.end_object();
}

namespace detail {

template <class T>
void write_struct(SchemaBook& book, JsonWriter& json) {
    const std::string_view type = type_name<T>();
    const T fresh{};
    json.begin_object().member("type", "object").key("properties").begin_object();
    std::size_t index = 0;
    std::string required;
    JsonWriter required_names(required);
    required_names.begin_array();
    const auto write_field = [&]<class Field>(const Field& field) {
        const std::string_view name = field_names<T>[index++];
        json.key(name).begin_object();
        if constexpr (tranter::detail::is_optional<Field>) {
            using Value = typename Field::value_type;
            if (may_be_null(type, name)) {
                json.key("anyOf").begin_array();
                write_schema<Value>(book, json);
                json.begin_object().member("type", "null").end_object().end_array();
            } else {
                write_type<Value>(book, json);
            }
        } else {
            write_type<Field>(book, json);
        }
        std::string otherwise;
        if (!may_be_missing(type, name, tranter::detail::is_optional<Field>)) {
            required_names.value(name);
        } else if constexpr (!tranter::detail::is_optional<Field>) {
            otherwise = to_json(field).value_or("");
        }
        describe_member(json, type, name, otherwise);
        json.end_object();
    };
    with_fields(fresh, [&](const auto&... field) { (write_field(field), ...); });
    required_names.end_array();
    json.end_object();
    if (required != "[]") json.key("required").raw(required);
    if (is_request(type)) json.member("additionalProperties", false);
    json.end_object();
}

}  // namespace detail

/// The members of the schema.
template <class T>
void write_type(SchemaBook& book, JsonWriter& json) {
    if constexpr (std::same_as<T, bool>) {
        json.member("type", "boolean");
    } else if constexpr (tranter::detail::Integer<T>) {
        json.member("type", "integer");
        if constexpr (std::is_unsigned_v<T>) json.member("minimum", 0);
        if constexpr (sizeof(T) == 4) json.member("format", "int32");
        if constexpr (sizeof(T) == 8) json.member("format", "int64");
    } else if constexpr (tranter::detail::Number<T>) {
        json.member("type", "number");
    } else if constexpr (std::same_as<T, std::string>) {
        json.member("type", "string");
    } else if constexpr (tranter::detail::TextForm<T>) {
        json.member("type", "string");
    } else if constexpr (std::same_as<T, Json>) {
        // Anything.
    } else if constexpr (tranter::detail::Enumeration<T>) {
        json.member("type", "string").key("enum").begin_array();
        for (const EnumName& each : enum_names<T>())
            json.value(each.name);
        json.end_array();
    } else if constexpr (tranter::detail::is_duration<T>) {
        json.member("type", "string").member("format", "duration-with-unit");
        json.key("examples").begin_array().value("90s").end_array();
    } else if constexpr (tranter::detail::is_time<T>) {
        json.member("type", "string").member("format", "date-time");
    } else if constexpr (tranter::detail::Sequence<T>) {
        json.member("type", "array").key("items");
        write_schema<typename T::value_type>(book, json);
    } else {
        book.refer(json, admin::detail::type_name<T>(), &admin::detail::write_struct<T>);
    }
}

}  // namespace tranter::admin
