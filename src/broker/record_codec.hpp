#pragma once

#include "base/error.hpp"
#include "broker/journal.hpp"
#include "log/format.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace tranter::broker {

/// What compaction writes beside the records of changes: the state itself, so that the records that
/// made it can go.
namespace record {

/// No queue ever had a higher number, even if none is left.
struct StoreImage {
    QueueId last_queue = 0;
};
/// A queue without its messages.
struct QueueImage {
    QueueId queue = 0;
    std::string_view name;
    const QueueSettings* settings = nullptr;
    Instant created{};
    Instant modified{};
    std::optional<Instant> purged{};
    engine::Sequence last_sequence = 0;
};
struct MessageImage {
    QueueId queue = 0;
    const engine::Stored* message = nullptr;
    /// Its de-duplication id still counts.
    bool deduplicates = false;
};
/// An accepted de-duplication id whose message is gone.
struct DeduplicationImage {
    QueueId queue = 0;
    const engine::StoredDeduplication* entry = nullptr;
};

}  // namespace record

/// Everything that a log may hold, in order of record_kinds.
using AnyRecord = std::variant<
    record::StoreImage,
    record::QueueCreated,
    record::QueueChanged,
    record::QueueDeleted,
    record::QueuePurged,
    record::QueueImage,
    record::MessageSent,
    record::MessageDeleted,
    record::LeaseChanged,
    record::MessageMoved,
    record::MessageImage,
    record::DeduplicationImage,
    record::MoveTaskChanged,
    record::MessageNoted,
    record::MessageReplaced>;

struct RecordKind {
    log::RecordType type;
    std::string_view name;
};
/// The types of the log's frames. docs/log-format.md, section 4, quotes this table and says what
/// each body holds.
inline constexpr std::array<RecordKind, std::variant_size_v<AnyRecord>> record_kinds{{
    {16, "store_image"},
    {17, "queue_created"},
    {18, "queue_changed"},
    {19, "queue_deleted"},
    {20, "queue_purged"},
    {21, "queue_image"},
    {22, "message_sent"},
    {23, "message_deleted"},
    {24, "lease_changed"},
    {25, "message_moved"},
    {26, "message_image"},
    {27, "deduplication_image"},
    {28, "move_task_changed"},
    {29, "message_noted"},
    {30, "message_replaced"},
}};
/// The type of a record's frame.
template <class T>
inline constexpr log::RecordType record_type = [] {
    log::RecordType type = 0;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
        ((std::is_same_v<T, std::variant_alternative_t<i, AnyRecord>>
              ? void(type = record_kinds[i].type)
              : void()),
         ...);
    }
    (std::make_index_sequence<std::variant_size_v<AnyRecord>>());
    return type;
}();
/// The first byte of every body.
inline constexpr std::uint8_t body_version = 2;

/// Appends the record's body to `out` and returns its type.
log::RecordType encode(const Record& record, std::string& out);
log::RecordType encode(const AnyRecord& record, std::string& out);

/// A record with what its pointers and views refer to: the body that was decoded, and itself.
class DecodedRecord {
  public:
    DecodedRecord() = default;
    DecodedRecord(const DecodedRecord&) = delete;
    DecodedRecord& operator=(const DecodedRecord&) = delete;

    AnyRecord record{};
    // Of whichever record has one; may be moved from.
    QueueSettings settings{};
    engine::Payload payload{};
    engine::Traits traits{};
    engine::Transfer transfer{};
    engine::Stored stored{};
    engine::StoredDeduplication deduplication{};
};
/// Reads any bytes: `corrupted` when they are not exactly what encode() makes of some record.
/// Reuses what `into` holds.
[[nodiscard]] Result<> decode(log::RecordType type, std::string_view body, DecodedRecord& into);

/// The payload of the message whose home the record is; empty for others.
engine::Payload payload_of(const DecodedRecord& decoded);

/// The message whose home a record is (message_sent, message_moved, message_replaced,
/// message_image); nothing for others. Cheaper than decode().
struct MessageKey {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;

    auto operator<=>(const MessageKey&) const = default;
};
std::optional<MessageKey> message_key(log::RecordType type, std::string_view body);

/// "record 24"; with its name when it has one.
std::string describe_type(log::RecordType type);

}  // namespace tranter::broker
