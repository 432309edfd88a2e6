#pragma once

#include <tranter/job.hpp>

#include <chrono>
#include <cstddef>

/// What SQS allows. Its times are whole seconds; ours are rounded up, so that nothing is early.
namespace tranter::providers {

inline constexpr std::size_t sqs_batch_max = 10;
inline constexpr std::size_t sqs_attributes_max = 10;  // of a message
inline constexpr std::size_t sqs_message_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t sqs_queue_name_max = 80;
inline constexpr std::size_t sqs_group_bytes_max = 128;
inline constexpr std::chrono::seconds sqs_delay_max(900);
inline constexpr std::chrono::seconds sqs_wait_max(20);
/// A delivery cannot last longer, however often it is extended.
inline constexpr std::chrono::seconds sqs_visibility_max(12 * 60 * 60);

/// Jobs are for good, but SQS keeps nothing longer.
inline constexpr std::chrono::seconds sqs_retention_max(14 * 24 * 60 * 60);
/// Of the queues that are made here: the attempts that a job has unless it says otherwise.
inline constexpr std::uint32_t sqs_max_receives = RetryPolicy().max_attempts;

inline std::chrono::seconds whole_seconds(Milliseconds time) {
    return std::chrono::ceil<std::chrono::seconds>(time);
}

}  // namespace tranter::providers
