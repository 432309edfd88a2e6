#pragma once

#include "base/digest.hpp"
#include "broker/message_attributes.hpp"
#include "sqs/failure.hpp"
#include "sqs/input.hpp"
#include "sqs/service.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// User attributes of a message, checked as SQS checks them.
namespace tranter::sqs {

using broker::attributes_md5;
using broker::EncodedAttributes;
using broker::MessageAttribute;

inline constexpr std::size_t attribute_name_bytes_max = 256;

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
