#pragma once

#include <tranter/enum_names.hpp>
#include <tranter/error.hpp>
#include <tranter/json.hpp>
#include <tranter/payload_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tranter {

class PayloadReader;

using ReadValue = bool (*)(PayloadReader&, void*);

/// Where the value of a field goes.
struct MemberToRead {
    std::string_view name{};
    void* value = nullptr;
    ReadValue read = nullptr;
};

struct IntegerRange {
    std::int64_t min = 0;
    std::uint64_t max = 0;
};

/// What becomes of a member that a struct has no field for.
enum class UnknownMembers : std::uint8_t { skip, refuse };

struct ReadRules {
    UnknownMembers unknown = UnknownMembers::skip;
    /// Arrays and objects that may stand around a Json, which itself may be as deep as one that
    /// stands alone.
    unsigned envelope_depth = 0;
    /// Of each array that is no part of a Json; 0: any number.
    std::size_t elements_max = 0;
};

/// Where payload.hpp gets the values of a payload, from the front of the text to its back. Every
/// value has to be read once. Every function is false as soon as something is wrong; the first
/// reason is kept, with the path to the value: `$.user_id: expected integer, got "abc"`.
class PayloadReader {
  public:
    PayloadReader(const PayloadReader&) = delete;
    PayloadReader& operator=(const PayloadReader&) = delete;

    /// Whether the next value is null; it is read then. Anything else is no failure.
    bool take_null();

    bool boolean(bool& out);
    /// A number without fraction and exponent, within the range. `min` is at most 0.
    bool integer(std::int64_t& out, IntegerRange range);
    bool integer(std::uint64_t& out, IntegerRange range);
    /// The number that is nearest to the digits. Refused: what is too large or too small for it.
    bool number(double& out);
    bool number(float& out);
    bool text(std::string& out);
    /// From base64.
    bool bytes(std::string& out);
    /// From "90s", "1.5h"; what parse_duration reads. Refused: what is no whole number of units.
    bool duration(std::int64_t& count, TimeUnit unit);
    /// From RFC 3339 with any offset. Refused: what is no whole number of units.
    bool time(std::int64_t& count, TimeUnit unit);
    bool json(Json& out);
    /// A name, or a number of `range` that cannot have one; the bits of the value.
    bool enumerator(std::uint64_t& bits, IntegerRange range, std::span<const EnumName> names);

    /// A struct: what it does not know is checked and left out, or refused; what is missing is left
    /// alone.
    bool object(std::span<const MemberToRead> members);
    /// A map: calls `each(key)` for every member, which has to read its value.
    template <class Each>
    bool members(Each each) {
        return members(&each, [](void* call, std::string_view key) {
            return (*static_cast<Each*>(call))(key);
        });
    }
    static constexpr std::size_t any_count = static_cast<std::size_t>(-1);
    /// An array: calls `each(index)` for every element, which has to read it. Other numbers of
    /// elements than `count` are refused.
    template <class Each>
    bool elements(std::size_t count, Each each) {
        return elements(count, &each, [](void* call, std::size_t index) {
            return (*static_cast<Each*>(call))(index);
        });
    }

    /// Reads the key of a member as an integer, in the form in which it would be written.
    bool key(std::string_view text, std::int64_t& out, IntegerRange range);
    bool key(std::string_view text, std::uint64_t& out, IntegerRange range);

    // What is wrong with the value that was read last. All are false.
    bool refuse_size(std::size_t expected_bytes, std::size_t found_bytes);
    bool refuse_count();         // of a duration or a time, which its type cannot hold
    bool refuse_repeated_key();  // which differs from another one only in spelling
    bool refuse_text(const Error& problem);

  private:
    friend Result<void> read_payload(
        std::string_view text, void* value, ReadValue read, ReadRules rules
    );
    struct State;

    explicit PayloadReader(State& state) : state_(state) {}
    bool members(void* call, bool (*each)(void* call, std::string_view key));
    bool elements(std::size_t count, void* call, bool (*each)(void* call, std::size_t index));

    State& state_;
};

using ReadCount = bool (PayloadReader::*)(std::int64_t& count, TimeUnit unit);

[[nodiscard]] Result<void> read_payload(
    std::string_view text, void* value, ReadValue read, ReadRules rules = {}
);

}  // namespace tranter
