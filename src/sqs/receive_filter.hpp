#pragma once

#include "sqs/failure.hpp"
#include "sqs/message_attributes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::sqs {

/// The attributes that SQS itself gives a message, in the order in which they are answered.
enum class SystemAttribute : std::uint8_t {
    aws_trace_header,
    approximate_first_receive_timestamp,
    approximate_receive_count,
    dead_letter_queue_source_arn,
    message_deduplication_id,
    message_group_id,
    sender_id,
    sent_timestamp,
    sequence_number,
};
inline constexpr std::size_t system_attribute_count = 9;
std::string_view system_attribute_name(SystemAttribute attribute);

/// A set of them.
class SystemAttributeFilter {
  public:
    /// AttributeNames and MessageSystemAttributeNames mean the same and are united.
    /// InvalidAttributeName for a name that SQS does not have; names of queue attributes, which
    /// older models allow here, select nothing.
    [[nodiscard]] Outcome<> add(std::span<const std::string_view> names);

    bool contains(SystemAttribute attribute) const {
        return (bits_ >> static_cast<unsigned>(attribute) & 1) != 0;
    }
    bool empty() const { return bits_ == 0; }

  private:
    std::uint16_t bits_ = 0;
};

/// MessageAttributeNames: everything for `All`, `.*` and `*`, names that begin with `prefix` for
/// `prefix.*`, otherwise exactly that name. Owns its names, because a long poll outlives its
/// request.
class MessageAttributeFilter {
  public:
    /// What it may take: thousands of long polls wait at a time, and each keeps one.
    static constexpr std::size_t bytes_max = std::size_t{16} * 1024;

    /// InvalidParameterValue for more names than there is room for. Names longer than any attribute
    /// has select nothing.
    [[nodiscard]] Outcome<> add(std::span<const std::string_view> names);

    bool none() const { return !all_ && names_.empty() && prefixes_.empty(); }
    bool all() const { return all_; }
    bool matches(std::string_view name) const;

  private:
    bool all_ = false;
    std::vector<std::string> names_;
    std::vector<std::string> prefixes_;
    std::size_t bytes_ = 0;
};

}  // namespace tranter::sqs
