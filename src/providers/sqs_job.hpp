#pragma once

#include "base/error.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_message.hpp"

#include <tranter/job.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Jobs as messages, and messages as jobs, whoever sent them.
namespace tranter::providers {

/// What a queue means for the jobs in it.
struct SqsJobRules {
    std::string_view queue{};
    bool fifo = false;
    /// After so many receives SQS itself moves a message to the dead-letter queue; 0: never.
    std::uint32_t max_receives = 0;
    std::string_view default_type = "message";
    std::size_t message_bytes_max = sqs_message_bytes_max;
    GroupIds group_ids = GroupIds::maybe_kept;
};

bool is_json_text(std::string_view text);

/// Takes tracestate and then traceparent from a message that does not fit with them: a job counts
/// for more than its trace, which AWSTraceHeader names too.
void leave_out_trace(SqsMessage& message, GroupIds group_ids, std::size_t bytes_max);

/// `unsupported` for what SQS cannot keep, with a sentence; `invalid_argument` for what no store
/// would take. What is too large is left to the sender, but for the trace.
[[nodiscard]] Result<SqsMessage> message_of_job(
    const NewJob& job, const SqsJobRules& rules, TimePoint now
);

/// Without receipt, lease and attempt. The attempts that a job has unless it was told otherwise are
/// those that its queue grants. `invalid_argument` when its type or its options make no sense.
[[nodiscard]] Result<ReceivedJob> job_of_delivery(
    const SqsDelivery& delivery, const SqsJobRules& rules
);

/// What the attempts before a copy was made count for.
std::uint32_t attempts_before(const SqsMessage& message);

/// Has not begun in time.
bool is_expired(const ReceivedJob& job, TimePoint now);

/// The job again, with its id and age, to take the place of `delivery`.
SqsMessage copy_of(const SqsDelivery& delivery, const ReceivedJob& job);
/// What goes to the dead-letter queue: the message as it was, with the reason as far as there is
/// room for it in a queue that takes `bytes_max`.
SqsMessage dead_copy_of(
    const SqsDelivery& delivery,
    const ReceivedJob& job,
    const AttemptFailure& failure,
    std::size_t bytes_max
);

}  // namespace tranter::providers
