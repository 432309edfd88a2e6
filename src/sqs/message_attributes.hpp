#pragma once

#include "base/digest.hpp"
#include "sqs/failure.hpp"
#include "sqs/input.hpp"
#include "sqs/service.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// User attributes of a message: checked and encoded once at the send, decoded at each receive.
namespace tranter::sqs {

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

/// The attributes of one message to be sent, after the rules of SQS_SPEC 5.4.
class CheckedAttributes {
  public:
    [[nodiscard]] static Outcome<CheckedAttributes> check(
        std::vector<AttributeInput> inputs, Limits limits
    );

    bool empty() const { return encoded_.empty(); }
    /// What they count against the size limit of a message.
    std::size_t bytes() const { return bytes_; }
    const Md5Digest& md5() const { return md5_; }
    /// For PayloadParts::attributes; empty when there are none.
    std::string_view encoded() const { return encoded_; }

  private:
    std::string encoded_;
    std::size_t bytes_ = 0;
    Md5Digest md5_{};
};

/// `1`, `-2.5`, `3e10`: at most 38 significant digits, and zero or of a size between 10^-128 and
/// 10^126 unless the limits are relaxed.
enum class NumberCheck : std::uint8_t { good, malformed, out_of_range };
NumberCheck check_number(std::string_view text, Limits limits);

}  // namespace tranter::sqs
