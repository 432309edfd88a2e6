#pragma once

#include <tranter/enum_names.hpp>
#include <tranter/error.hpp>
#include <tranter/json.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter {

class PayloadWriter;

/// The unit of a std::chrono duration as a fraction of a second.
struct TimeUnit {
    std::int64_t num = 1;
    std::int64_t den = 1;
};

using WriteValue = bool (*)(PayloadWriter&, const void*);

/// A field of a struct or an entry of a map on its way out; no value: it is left out.
struct MemberToWrite {
    std::string_view name{};
    const void* value = nullptr;
    WriteValue write = nullptr;
};

/// An entry of a map whose order means nothing.
struct KeyedValue {
    std::string key{};
    const void* value = nullptr;
};

/// Decimal digits without an allocation.
class IntegerText {
  public:
    /// Valid until the next call.
    std::string_view write(std::int64_t value);
    std::string_view write(std::uint64_t value);

  private:
    char text_[24];
};

/// Where payload.hpp puts the values of a payload. Every function is false as soon as something
/// could not be written; the first reason is kept, with the path to the value.
class PayloadWriter {
  public:
    PayloadWriter(const PayloadWriter&) = delete;
    PayloadWriter& operator=(const PayloadWriter&) = delete;

    bool null();
    bool boolean(bool value);
    bool integer(std::int64_t value);
    bool integer(std::uint64_t value);
    /// The shortest text that reads back as the same number. Infinity and NaN are refused.
    bool number(double value);
    bool number(float value);
    /// Refused when it is not UTF-8.
    bool text(std::string_view value);
    /// As base64.
    bool bytes(const void* data, std::size_t size);
    /// "90s". Refused: below zero, a fraction of a microsecond, more than 2^63 microseconds.
    bool duration(std::int64_t count, TimeUnit unit);
    /// "2026-11-03T04:05:06.5Z" for a time since 1970. Refused: years before 0 and after 9999.
    bool time(std::int64_t count, TimeUnit unit);
    bool json(const Json& value);
    /// A value without a name is refused.
    bool enumerator(std::uint8_t value, std::span<const EnumName> names);

    bool object(std::span<const MemberToWrite> members);
    /// Sorts the entries by key.
    bool sorted_object(std::vector<KeyedValue> entries, WriteValue write);
    bool begin_object();
    bool member(const MemberToWrite& member);
    bool end_object();

    bool begin_array();
    /// Goes before each element.
    bool element(std::size_t index);
    bool end_array();

  private:
    friend Result<std::string> write_payload(const void* value, WriteValue write);
    struct State;

    explicit PayloadWriter(State& state) : state_(state) {}
    bool fail(std::string problem);
    bool enter();

    State& state_;
};

/// Not thread-safe for a value that somebody changes meanwhile.
[[nodiscard]] Result<std::string> write_payload(const void* value, WriteValue write);

}  // namespace tranter
