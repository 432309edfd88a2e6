#pragma once

#include "appfile/value.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// One object of a file, whose members are read by type. A member that is null or undefined is not
/// there. Names of one call mean the same, and the first that is there counts. The first value that
/// is wrong is kept as error(), after which nothing matters any more.
class Fields {
  public:
    using Names = std::initializer_list<std::string_view>;

    /// `file` and `where` are for error texts: "ecosystem.json", "apps[0]".
    Fields(const Value::Object& object, std::string file, std::string where)
        : object_(object), file_(std::move(file)), where_(std::move(where)) {}

    const Value* find(Names names) const;
    bool has(Names names) const { return find(names) != nullptr; }

    std::optional<bool> flag(Names names);
    /// Numbers are text too.
    std::optional<std::string> text(Names names);
    /// A list of texts; a text alone is divided as PM2 divides arguments.
    std::optional<std::vector<std::string>> words(Names names);
    /// A list of texts, or one alone.
    std::optional<std::vector<std::string>> texts(Names names);
    std::optional<std::int64_t> whole(Names names, std::int64_t min, std::int64_t max);
    /// A list of whole numbers, or one alone.
    std::vector<int> wholes(Names names);
    /// Milliseconds, or a text with a unit: "10s", "2m", "1h".
    std::optional<Duration> time(Names names);
    /// Bytes, or a text: "200M", of powers of 1024.
    std::optional<std::uint64_t> bytes(Names names);
    const Value::Object* table(Names names);

    void refuse(std::string_view key, const Value& value, std::string_view right);
    void refuse(std::string_view key, Place place, std::string_view text);
    bool has_failed() const { return error_.has_value(); }
    const std::optional<Error>& error() const { return error_; }
    const std::string& where() const { return where_; }
    const Value::Object& object() const { return object_; }

  private:
    const Member* member(Names names) const;
    std::optional<std::vector<std::string>> read_texts(const Member& member, bool divides);

    const Value::Object& object_;
    std::string file_;
    std::string where_;
    std::optional<Error> error_{};
};

/// "\"x\"", "5", "a list": a value that is wrong, for error texts.
std::string shown(const Value& value);

}  // namespace tranter::appfile
