#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tranter::appfile {

/// Where something stands in a file, from 1. Line 0: nobody knows.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct Member;

/// What only script.cpp knows: modules and functions that its subset of JavaScript has.
enum class Native : std::uint8_t;

/// A value as JavaScript has it, which JSON and YAML have too. Once a file is read there are no
/// `undefined` and no natives left in it.
struct Value {
    using Undefined = std::monostate;
    using Null = std::nullptr_t;
    using Array = std::vector<Value>;
    using Object = std::vector<Member>;  // keys are unique
    using Data = std::variant<Undefined, Null, bool, double, std::string, Array, Object, Native>;

    Data data;  // no {}: clang would want a complete Member for it
    Place place{};

    bool is_undefined() const { return std::holds_alternative<Undefined>(data); }
    /// Neither a list nor an object nor a function.
    bool is_plain() const { return data.index() <= 4; }
    /// null or undefined.
    bool is_nothing() const { return is_undefined() || std::holds_alternative<Null>(data); }
    const std::string* text() const { return std::get_if<std::string>(&data); }
    const double* number() const { return std::get_if<double>(&data); }
    const bool* flag() const { return std::get_if<bool>(&data); }
    const Array* array() const { return std::get_if<Array>(&data); }
    const Object* object() const { return std::get_if<Object>(&data); }
};

struct Member {
    std::string key;
    Value value;
};

inline Value value_of(Value::Data data) {
    return {.data = std::move(data)};
}

/// nullptr when there is no such member, or when it is undefined.
const Value* find_member(const Value::Object& object, std::string_view key);
/// Adds it, or replaces the value that is there.
void set_member(Value::Object& object, std::string key, Value value);

/// "text", "a number", ...: what it is, for error texts.
std::string_view kind_of(const Value& value);

/// What JavaScript makes of it in a text: "1", "1e+21", "NaN", "a,b".
std::string to_text(double number);
std::string to_text(const Value& value);
/// What JSON.stringify makes of it.
std::string to_json(const Value& value);

/// About how many bytes of memory it takes.
std::size_t weight_of(const Value& value);

}  // namespace tranter::appfile
