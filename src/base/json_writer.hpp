#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tranter {

/// Appends `text`, which is UTF-8, escaped for the inside of a JSON string.
void append_json_escaped(std::string& out, std::string_view text);
/// The same with quotes around it.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON from front to back into a string that outlives it. Puts the commas; that begins and
/// ends match and that members have keys is the caller's business.
class JsonWriter {
  public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name);

    JsonWriter& value(std::string_view text);
    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    template <std::same_as<bool> T>
    JsonWriter& value(T flag) {
        return raw(flag ? "true" : "false");
    }
    template <std::signed_integral T>
    JsonWriter& value(T number) {
        return integer(std::int64_t{number});
    }
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    JsonWriter& value(T number) { return integer(std::uint64_t{number}); }
    /// The shortest text that reads back as the same number; not-a-number and infinity are null.
    JsonWriter& value(double number);
    JsonWriter& null() { return raw("null"); }
    /// Text that is JSON already.
    JsonWriter& raw(std::string_view json);

    template <class T>
    JsonWriter& member(std::string_view name, const T& content) {
        key(name);
        return value(content);
    }

  private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    JsonWriter& integer(std::int64_t number);
    JsonWriter& integer(std::uint64_t number);
    void separate() {
        if (comma_) out_ += ',';
    }

    std::string& out_;
    bool comma_ = false;  // whether the next key or value follows another one
};

}  // namespace tranter
