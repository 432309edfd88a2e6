#pragma once

#include "base/error.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tranter::aws {

struct JsonMember;

/// One JSON value: what an SQS client sends and receives, and what the command line prints. Objects
/// keep the order in which their members were added, so that output is stable. Not meant for large
/// documents.
class Json {
  public:
    using Array = std::vector<Json>;
    using Object = std::vector<JsonMember>;

    // Defined below JsonMember: clang wants a complete type as soon as the variant is constructed.
    // NOLINTBEGIN(google-explicit-constructor): values become JSON where they stand
    Json();  // null
    Json(std::same_as<bool> auto value);
    Json(std::integral auto value) requires(!std::same_as<decltype(value), bool>);
    Json(double value);
    Json(std::string value);
    Json(std::string_view value);
    Json(const char* value);
    Json(Array value);
    Json(Object value);
    // NOLINTEND(google-explicit-constructor)

    /// `invalid_argument` with the parser's reason.
    static Result<Json> parse(std::string_view text);
    /// A value that is passed through as it is written, with all digits of its numbers. `text` is
    /// JSON. It has no members and no elements to look at.
    static Json verbatim(std::string text);

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_text() const { return std::holds_alternative<std::string>(value_); }
    bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
    bool is_object() const { return std::holds_alternative<Object>(value_); }

    /// The text of a string, otherwise nothing.
    std::string_view text() const&;
    /// The number, also one that stands in a string (SQS sends most numbers so), otherwise 0.
    std::int64_t number() const;
    /// The elements of an array, otherwise none.
    const Array& items() const&;
    /// The members of an object, otherwise none.
    const Object& members() const&;

    /// The member of that name of an object, or null.
    const Json& operator[](std::string_view name) const&;
    // Views into a temporary would dangle, most easily in the head of a range-for.
    std::string_view text() const&& = delete;
    const Array& items() const&& = delete;
    const Object& members() const&& = delete;
    const Json& operator[](std::string_view name) const&& = delete;

    /// Adds a member; a null becomes an object first. Does not look for one of the same name.
    Json& set(std::string_view name, Json value);
    /// Adds an element; a null becomes an array first.
    Json& push(Json value);

    /// On one line. Control, C1 and bidirectional characters are escaped, bytes that are not UTF-8
    /// become U+FFFD: what a stranger put into a message cannot steer a terminal.
    std::string dump() const;

  private:
    struct Verbatim {
        std::string text;
    };
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object, Verbatim>
        value_;

    void append_to(std::string& out) const;
};

struct JsonMember {
    std::string name;
    Json value{};
};

inline Json::Json() = default;
inline Json::Json(std::same_as<bool> auto value) : value_(value) {}
inline Json::Json(std::integral auto value) requires(!std::same_as<decltype(value), bool>)
    : value_(static_cast<std::int64_t>(value)) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(Array value) : value_(std::move(value)) {}
inline Json::Json(Object value) : value_(std::move(value)) {}

bool is_valid_utf8(std::string_view text);

}  // namespace tranter::aws
