#pragma once

#include "aws/json.hpp"

#include <tranter/job.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tranter::providers {

/// Message attributes that hold what SQS has no place for. `type` and `tranter.options` are those
/// of jobs everywhere (jobs/job_json.hpp).
namespace sqs_attribute {
/// Of a job whose id is not the MessageId: the caller chose it, or the message is a copy.
inline constexpr std::string_view id = "tranter.id";
/// The group, where MessageGroupId may not come back as it was sent.
inline constexpr std::string_view group = "tranter.group";
/// Of a copy: the attempts that were made before it, and when the job was enqueued (milliseconds).
inline constexpr std::string_view attempts = "tranter.attempts";
inline constexpr std::string_view created = "tranter.created";
/// The delay in seconds, when there is one: a consumer cannot learn it from SQS.
inline constexpr std::string_view delay = "tranter.delay";
/// Of a dead job: `{"attempt":3,"type":"...","text":"..."}`, and the queue that it came from.
inline constexpr std::string_view error = "tranter.error";
inline constexpr std::string_view queue = "tranter.queue";
}  // namespace sqs_attribute

/// Whether a MessageGroupId can be given to a standard queue. SQS keeps it; some that imitate it
/// drop it silently, and older ones refuse it.
enum class GroupIds : std::uint8_t { kept, maybe_kept, refused };

/// What is sent.
struct SqsMessage {
    std::string body{};
    aws::Json::Object attributes{};  // {"DataType": ..., "StringValue": ...} by name
    std::string group{};             // any bytes; empty: none
    std::string deduplication_id{};  // FIFO queues
    std::chrono::seconds delay{};
    /// AWSTraceHeader; empty: none. Does not count against the limits.
    std::string trace_header{};

    /// The text of a String or Number attribute; empty when it has none of that name.
    std::string_view text(std::string_view name) const;
    /// Replaces one of that name.
    void set_text(std::string_view name, std::string value);
    void erase(std::string_view name);
    /// What counts against the limits of SQS.
    std::size_t bytes(GroupIds group_ids) const;
    /// Whether SQS takes it.
    bool fits(GroupIds group_ids, std::size_t bytes_max) const;

    /// Whether its group is one more attribute.
    bool group_is_attribute(GroupIds group_ids) const;
};

/// The members of SendMessage, or of one entry of SendMessageBatch. A group travels as an attribute
/// too when its MessageGroupId might be lost, or has to be a digest of it.
aws::Json sqs_entry(const SqsMessage& message, GroupIds group_ids);

/// The same JSON without the two characters that JSON may hold and messages may not.
std::string sqs_json(std::string_view json);

/// MessageDeduplicationId of any text: itself, or its digest when SQS would not take it.
std::string sqs_opaque_id(std::string_view text);

/// One message as it was handed out.
struct SqsDelivery {
    std::string message_id{};
    std::string handle{};
    std::uint32_t receive_count = 1;
    TimePoint sent_at{};
    SqsMessage message{};
};

SqsDelivery read_sqs_delivery(const aws::Json& message);

}  // namespace tranter::providers
