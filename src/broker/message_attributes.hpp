#pragma once

#include "base/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// User attributes of a message as a payload holds them: encoded once at the send, decoded at each
/// receive. Jobs and messages of SQS have the same.
namespace tranter::broker {

struct MessageAttribute {
    std::string_view name;
    std::string_view type;   // with its label: "Number.java.lang.Long"
    std::string_view value;  // the text, or the bytes of a Binary
    bool binary = false;
};

/// The digest that SDKs compare (SQS_SPEC 5.11). Sorts nothing: the attributes are in byte order of
/// their names.
Md5Digest attributes_md5(std::span<const MessageAttribute> attributes);

/// What a message stores. Little-endian; in byte order of the names:
///
///     MD5 of all (16) | count u32 | count times:
///         name bytes u16 | type bytes u16 | binary u8 | value bytes u32 | name | type | value
class EncodedAttributes {
  public:
    /// Reads what encode() wrote; empty text has no attributes. The text outlives the object.
    explicit EncodedAttributes(std::string_view text);

    std::size_t count() const { return count_; }
    /// As hexadecimal digits would show it; meaningless when there are none.
    std::span<const std::uint8_t> md5() const { return md5_; }
    /// The next one in order of name, or nothing after the last.
    std::optional<MessageAttribute> next();

    static void encode(
        std::span<const MessageAttribute> attributes, const Md5Digest& digest, std::string& out
    );

  private:
    std::span<const std::uint8_t> md5_{};
    std::string_view rest_{};
    std::size_t count_ = 0;
};

/// The attribute of that name in what encode() wrote, whose text it refers to.
std::optional<MessageAttribute> find_attribute(std::string_view encoded, std::string_view name);

struct StringAttribute {
    std::string_view name;
    std::string_view value;
};
/// Appends attributes of type String with their digest, as SQS would have stored them. In byte
/// order of their names; names of at most 65535 bytes.
void encode_strings(std::span<const StringAttribute> attributes, std::string& out);

}  // namespace tranter::broker
