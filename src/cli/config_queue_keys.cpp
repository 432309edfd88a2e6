#include "cli/config_key_table.hpp"
#include "cli/config_keys.hpp"

#include <array>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 3> fairness_names{"aws", "round_robin", "off"};
constexpr std::array<std::string_view, 2> scope_names{"queue", "messageGroup"};
constexpr std::array<std::string_view, 2> throughput_names{"perQueue", "perMessageGroupId"};

template <class Codec, auto... members>
constexpr QueueKey queue_key(std::string_view path, std::string_view meaning) {
    return make_key<QueueConfig, Codec, members...>(path, meaning);
}

constexpr QueueKey all_queue_keys[] = {
    queue_key<DurationCodec<0, 12 * hour>, &QueueConfig::visibility_timeout>(
        "visibility_timeout", "how long a received message is hidden from others"
    ),
    queue_key<DurationCodec<0, 900>, &QueueConfig::delay>(
        "delay", "how long a new message is hidden"
    ),
    queue_key<DurationCodec<60, 14 * day>, &QueueConfig::retention>(
        "retention", "how long a message is kept"
    ),
    queue_key<DurationCodec<0, 20>, &QueueConfig::receive_wait>(
        "receive_wait", "how long a receive waits when it does not say so itself"
    ),
    queue_key<SizeCodec<1024, mebibyte>, &QueueConfig::max_message_size>(
        "max_message_size", "the largest body with its attributes"
    ),
    queue_key<BoolCodec, &QueueConfig::fifo>(
        "fifo", "a FIFO queue; its name ends in `.fifo`, which also sets this"
    ),
    queue_key<BoolCodec, &QueueConfig::content_based_deduplication>(
        "content_based_deduplication", "FIFO: de-duplicate by the body"
    ),
    queue_key<NameCodec<scope_names>, &QueueConfig::deduplication_scope>(
        "deduplication_scope", "FIFO: where a de-duplication id counts"
    ),
    queue_key<NameCodec<throughput_names>, &QueueConfig::fifo_throughput_limit>(
        "fifo_throughput_limit", "FIFO: kept for clients that ask for it"
    ),
    queue_key<TextCodec, &QueueConfig::dead_letter, &DeadLetterConfig::queue>(
        "dead_letter.queue", "the queue for messages that were received too often"
    ),
    queue_key<IntegerCodec<1, 1000>, &QueueConfig::dead_letter, &DeadLetterConfig::max_receives>(
        "dead_letter.max_receives", "receives before that; required with `dead_letter.queue`"
    ),
    queue_key<RedriveAllowCodec, &QueueConfig::redrive_allow>(
        "redrive_allow", "which queues may use this one as their dead-letter queue"
    ),
    queue_key<IntegerCodec<0, count_max>, &QueueConfig::groups, &GroupsConfig::max_in_flight>(
        "groups.max_in_flight", "messages in flight in one message group; 0 is no limit"
    ),
    queue_key<IntegerCodec<0, count_max>, &QueueConfig::groups, &GroupsConfig::max_queued>(
        "groups.max_queued", "messages waiting in one message group; 0 is no limit"
    ),
    queue_key<NameCodec<fairness_names>, &QueueConfig::groups, &GroupsConfig::fair>(
        "groups.fair", "how standard queues divide receives among message groups"
    ),
    queue_key<IntegerCodec<-1, count_max>, &QueueConfig::max_in_flight>(
        "max_in_flight", "messages in flight; 0 is no limit, -1 is `server.max_in_flight`"
    ),
    queue_key<SizeCodec<0, storage_max>, &QueueConfig::max_bytes>(
        "max_bytes", "bytes of messages held; then sends are refused; 0B is no limit"
    ),
    queue_key<TextMapCodec, &QueueConfig::tags>("tags", "tags of the queue"),
    queue_key<TextCodec, &QueueConfig::job_type>(
        "job_type", "jobs: the type of messages that say none, as SQS clients send them"
    ),
    queue_key<TextCodec, &QueueConfig::copy_to>(
        "copy_to", "a queue that gets a copy of every accepted message"
    ),
    queue_key<TextCodec, &QueueConfig::move_to>(
        "move_to", "a queue that gets every message instead of this one"
    ),
};

}  // namespace

std::span<const QueueKey> queue_keys() {
    return all_queue_keys;
}

}  // namespace tranter::cli
