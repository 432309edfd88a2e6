#include "broker/record_codec.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::seconds;

constexpr Instant noon{std::chrono::hours(24 * 365 * 56 + 12)};

/// One record of every kind, with something in every part.
class RecordCodecTest : public testing::Test {
  protected:
    RecordCodecTest() {
        fill_parts();
        fill_records();
    }

  private:
    void fill_parts() {
        settings.engine.retention = seconds(7);
        settings.engine.deduplication_scope = engine::DeduplicationScope::message_group;
        settings.engine.groups = {
            .order = engine::Order::fifo,
            .fairness = engine::Fairness::round_robin,
            .max_in_flight_per_group = 300,
            .max_queued_per_group = 2};
        settings.engine.priority_aging = seconds(30);
        settings.engine.paused = true;
        settings.receive_wait = seconds(20);
        settings.bytes_max = 1ULL << 40U;
        settings.content_based_deduplication = true;
        settings.dead_letter_queue = "dead";
        settings.copy_to = "copies";
        settings.move_to = "moved";
        settings.tags = {{"a", "1"}, {"b", ""}};
        settings.attributes = {{"Policy", "{}"}};
        payload = engine::Payload::make(
            {.body = "hello",
             .attributes = "attributes",
             .system_attributes = "trace",
             .deduplication_id = "id",
             .sender = "sender",
             .id = {1, 2, 3},
             .body_md5 = {4, 5, 6}}
        );
        fill_messages();
    }

    void fill_messages() {
        traits = {
            .priority = 2,
            .max_receives = 7,
            .deadline = noon + seconds(60),
            .uniqueness = engine::Uniqueness::throttle,
            .unique_key = "key",
            .unique_for = seconds(9)};
        state = {
            .deliveries = 3,
            .receive_count = 2,
            .received_at = noon,
            .first_received_at = noon - seconds(1),
            .state = engine::DeliveryState::State::in_flight,
            .taken_back = true,
            .cancel_requested = true,
            .due = Instant(Duration(-5))};
        transfer = {
            .payload = payload,
            .group = "group",
            .sent_at = noon,
            .first_received_at = noon,
            .receive_count = 5,
            .source_queue = 6,
            .source_sequence = 7,
            .source_slot = 8,
            .traits = traits,
            .note = "note"};
        stored = {
            .payload = payload,
            .group = "group",
            .slot = 1000,
            .sequence = 1ULL << 50U,
            .sent_at = noon,
            .delivery = state,
            .source_queue = 9,
            .moved_in = true,
            .moved_at = noon,
            .traits = traits,
            .note = "note",
            .unique_since = noon - seconds(2)};
        accepted = {
            .key = "group and id",
            .id = {9},
            .sequence = 4,
            .slot = 2,
            .at = noon,
            .unique_for = seconds(9)};
    }

    void fill_records() {
        all = {
            record::StoreImage{.last_queue = 12},
            record::QueueCreated{.queue = 1, .name = "q", .settings = &settings, .at = noon},
            record::QueueChanged{.queue = 1, .settings = &settings, .at = noon},
            record::QueueDeleted{.queue = 1, .at = noon},
            record::QueuePurged{.queue = 1, .at = noon},
            record::QueueImage{
                .queue = 1,
                .name = "q",
                .settings = &settings,
                .created = noon,
                .modified = noon,
                .purged = noon,
                .last_sequence = 99},
            record::MessageSent{
                .queue = 1,
                .slot = 2,
                .sequence = 3,
                .payload = &payload,
                .group = "group",
                .delay = seconds(3),
                .at = noon,
                .traits = &traits,
                .batch = {.member = true, .left = 300}},
            record::MessageDeleted{.queue = 1, .slot = 2, .sequence = 3},
            record::LeaseChanged{.queue = 1, .slot = 2, .sequence = 3, .state = state},
            record::MessageMoved{
                .from = 1,
                .from_slot = 8,
                .from_sequence = 7,
                .to = 4,
                .to_slot = 5,
                .to_sequence = 6,
                .message = &transfer,
                .at = noon},
            record::MessageImage{.queue = 1, .message = &stored, .deduplicates = true},
            record::DeduplicationImage{.queue = 1, .entry = &accepted},
            record::MoveTaskChanged{
                .task_id = "task",
                .source = 3,
                .destination = "there",
                .status = "running",
                .failure = "none",
                .max_per_second = 5,
                .moved = 6,
                .to_move = 7,
                .started = noon,
                .at = noon},
            record::MessageNoted{.queue = 1, .slot = 2, .sequence = 3, .note = "note"},
            record::MessageReplaced{
                .queue = 1,
                .replaced = {.slot = 4, .sequence = 5},
                .message = &stored,
                .deduplicates = true,
                .at = noon,
                .batch = {.member = true, .left = 0}}};
    }

  protected:
    QueueSettings settings;
    engine::Traits traits;
    engine::DeliveryState state;
    engine::Payload payload;
    engine::Transfer transfer;
    engine::Stored stored;
    engine::StoredDeduplication accepted;
    std::vector<AnyRecord> all;
};

TEST_F(RecordCodecTest, EveryRecordIsReadAsItWasWritten) {
    ASSERT_EQ(all.size(), record_kinds.size());
    DecodedRecord decoded;
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::string body;
        const log::RecordType type = encode(all[i], body);
        EXPECT_EQ(type, record_kinds[i].type);

        const auto result = decode(type, body, decoded);

        ASSERT_TRUE(result) << result.error().message();
        std::string again;
        EXPECT_EQ(encode(decoded.record, again), type);
        EXPECT_EQ(again, body) << record_kinds[i].name;
    }
}

TEST_F(RecordCodecTest, SettingsAreCompleteAfterReading) {
    std::string body;
    DecodedRecord decoded;
    const auto type = encode(all[2], body);

    ASSERT_TRUE(decode(type, body, decoded));

    EXPECT_EQ(*std::get<record::QueueChanged>(decoded.record).settings, settings);
}

TEST_F(RecordCodecTest, AMessageIsCompleteAfterReading) {
    std::string body;
    DecodedRecord decoded;
    const auto type = encode(all[10], body);

    ASSERT_TRUE(decode(type, body, decoded));

    const engine::Stored& read = *std::get<record::MessageImage>(decoded.record).message;
    EXPECT_EQ(read.payload.body(), "hello");
    EXPECT_EQ(read.payload.sender(), "sender");
    EXPECT_EQ(read.payload.id(), payload.id());
    EXPECT_EQ(read.delivery, stored.delivery);
    EXPECT_EQ(read.sequence, stored.sequence);
    EXPECT_EQ(read.moved_at, noon);
    EXPECT_EQ(read.traits, traits);
    EXPECT_EQ(read.note, "note");
    EXPECT_EQ(read.unique_since, noon - seconds(2));
}

TEST_F(RecordCodecTest, AMovedMessageIsCompleteAfterReading) {
    std::string body;
    DecodedRecord decoded;
    const auto type = encode(all[9], body);

    ASSERT_TRUE(decode(type, body, decoded));

    const engine::Transfer& read = *std::get<record::MessageMoved>(decoded.record).message;
    EXPECT_EQ(read.receive_count, 5U);
    EXPECT_EQ(read.traits, traits);
    EXPECT_EQ(read.note, "note");
}

TEST_F(RecordCodecTest, ASentMessageIsCompleteAfterReading) {
    std::string body;
    DecodedRecord decoded;
    const auto type = encode(all[6], body);

    ASSERT_TRUE(decode(type, body, decoded));

    const auto& read = std::get<record::MessageSent>(decoded.record);
    EXPECT_EQ(read.delay, seconds(3));
    ASSERT_NE(read.traits, nullptr);
    EXPECT_EQ(*read.traits, traits);
    EXPECT_TRUE(read.batch.member);
    EXPECT_EQ(read.batch.left, 300U);
}

// So that a body has one form.
TEST_F(RecordCodecTest, TraitsThatSayNothingAreNotWritten) {
    const engine::Traits nothing;
    record::MessageSent sent = std::get<record::MessageSent>(all[6]);
    std::string with;
    std::string without;

    sent.traits = &nothing;
    encode(AnyRecord(sent), with);
    sent.traits = nullptr;
    encode(AnyRecord(sent), without);

    EXPECT_EQ(with, without);
}

TEST_F(RecordCodecTest, NoShorterOrLongerBodyIsAccepted) {
    DecodedRecord decoded;
    for (const AnyRecord& record : all) {
        std::string body;
        const log::RecordType type = encode(record, body);
        for (std::size_t bytes = 0; bytes < body.size(); ++bytes) {
            const auto result = decode(type, std::string_view(body).substr(0, bytes), decoded);
            ASSERT_FALSE(result) << describe_type(type) << " cut at " << bytes;
            EXPECT_EQ(result.error().code(), Errc::corrupted);
        }
        EXPECT_FALSE(decode(type, body + '\0', decoded)) << describe_type(type);
    }
}

TEST_F(RecordCodecTest, OtherVersionsAndTypesAreNamed) {
    DecodedRecord decoded;

    EXPECT_EQ(
        decode(19, "\x01", decoded).error().message(),
        "record 19 (queue_deleted) has version 1, this program reads version 2"
    );
    EXPECT_EQ(
        decode(99, "\x02", decoded).error().message(),
        "record 99 is of a type that this version does not know"
    );
    EXPECT_FALSE(decode(15, "\x02", decoded));
    EXPECT_FALSE(decode(0, "", decoded));
}

TEST_F(RecordCodecTest, TheHomeOfAMessageIsFoundWithoutReadingItAll) {
    const auto key_of = [&](std::size_t index) {
        std::string body;
        const auto type = encode(all[index], body);
        return message_key(type, body);
    };

    EXPECT_EQ(key_of(6)->sequence, 3U);
    EXPECT_EQ(key_of(9)->queue, 4U);
    EXPECT_EQ(key_of(9)->slot, 5U);
    EXPECT_EQ(key_of(9)->sequence, 6U);
    EXPECT_EQ(key_of(10)->slot, 1000U);
    EXPECT_EQ(key_of(14)->slot, 1000U);
    EXPECT_FALSE(key_of(8));
    EXPECT_FALSE(key_of(13));
    EXPECT_FALSE(message_key(22, "\x02\x80"));
}

}  // namespace
}  // namespace tranter::broker
