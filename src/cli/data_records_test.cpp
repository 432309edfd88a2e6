#include "cli/data_records.hpp"

#include "base/duration.hpp"
#include "broker/record_codec.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

class DescribeRecordTest : public testing::Test {
  protected:
    Json describe(const broker::AnyRecord& record, bool bodies = false) {
        std::string body;
        const log::RecordType type = broker::encode(record, body);
        Json row;
        EXPECT_TRUE(describe_record(row, type, body, bodies)) << row.dump();
        return row;
    }
    Json describe_body(const std::string& body, bool bodies = false) {
        const auto payload = engine::Payload::make({.body = body, .deduplication_id = "d"});
        return describe(
            broker::record::MessageSent{
                .queue = 3,
                .slot = 7,
                .sequence = 9,
                .payload = &payload,
                .group = "g",
                .delay = 5s,
                .at = Instant(1'700'000'000s)},
            bodies
        );
    }
};

TEST_F(DescribeRecordTest, SaysWhatWasSent) {
    EXPECT_EQ(
        describe_body("hello").dump(),
        R"({"type":"message_sent","queue":3,"slot":7,"sequence":9,)"
        R"("at":"2023-11-14T22:13:20.000Z","delay":"5s",)"
        R"("message_id":"00000000-0000-0000-0000-000000000000","group":"g",)"
        R"("deduplication_id":"d","body_bytes":5,"body":"hello"})"
    );
}

TEST_F(DescribeRecordTest, CutsALongBodyAtACharacterUnlessAskedForAll) {
    const std::string umlauts = "x" + std::string(50, 'y') +
                                "\xC3\xA4\xC3\xB6\xC3\xBC"
                                "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xA4\xC3\xB6\xC3\xBC";

    const Json cut = describe_body(umlauts);
    const Json whole = describe_body(umlauts, true);

    EXPECT_EQ(cut["body"].text(), umlauts.substr(0, 63) + "...");
    EXPECT_EQ(cut["body_bytes"].number(), static_cast<std::int64_t>(umlauts.size()));
    EXPECT_EQ(whole["body"].text(), umlauts);
}

TEST_F(DescribeRecordTest, SaysHowAQueueWasMade) {
    broker::QueueSettings settings;
    settings.tags = {{"team", "shop"}};
    settings.dead_letter_queue = "dlq";
    settings.engine.max_receives = 3;

    const Json row = describe(broker::record::QueueCreated{
        .queue = 1, .name = "orders", .settings = &settings, .at = {}});

    EXPECT_EQ(row["type"].text(), "queue_created");
    EXPECT_EQ(row["name"].text(), "orders");
    EXPECT_EQ(row["settings"]["visibility_timeout"].text(), "30s");
    EXPECT_EQ(row["settings"]["dead_letter_queue"].text(), "dlq");
    EXPECT_EQ(row["settings"]["tags"]["team"].text(), "shop");
}

TEST_F(DescribeRecordTest, SaysWhereAMessageWent) {
    const engine::Transfer message{
        .payload = engine::Payload::make({.body = "hello"}), .receive_count = 3};

    const Json row = describe(broker::record::MessageMoved{
        .from = 1,
        .from_slot = 2,
        .from_sequence = 3,
        .to = 4,
        .to_slot = 5,
        .to_sequence = 6,
        .message = &message,
        .at = {}});

    EXPECT_EQ(row["type"].text(), "message_moved");
    EXPECT_EQ(row["from_queue"].number(), 1);
    EXPECT_EQ(row["queue"].number(), 4);
    EXPECT_EQ(row["sequence"].number(), 6);
    EXPECT_EQ(row["receive_count"].number(), 3);
}

TEST_F(DescribeRecordTest, SaysTheStateOfALease) {
    const Json row = describe(broker::record::LeaseChanged{
        .queue = 1,
        .slot = 2,
        .sequence = 3,
        .state = {
            .deliveries = 2,
            .receive_count = 1,
            .state = engine::DeliveryState::State::in_flight,
            .due = Instant(1'700'000'000s)}});

    EXPECT_EQ(row["state"].text(), "in_flight");
    EXPECT_EQ(row["due"].text(), "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(row["deliveries"].number(), 2);
}

TEST_F(DescribeRecordTest, SaysWhatAJobHas) {
    const auto payload = engine::Payload::make({.body = "{}"});
    const engine::Traits traits{
        .priority = 1,
        .max_receives = 8,
        .deadline = Instant(1'700'000'000s),
        .uniqueness = engine::Uniqueness::throttle,
        .unique_key = "k",
        .unique_for = 90s};

    const Json row = describe(broker::record::MessageSent{
        .queue = 3,
        .slot = 7,
        .sequence = 9,
        .payload = &payload,
        .group = {},
        .at = {},
        .traits = &traits,
        .batch = {.member = true, .left = 4}});

    EXPECT_EQ(row["priority"].number(), 1);
    EXPECT_EQ(row["max_receives"].number(), 8);
    EXPECT_EQ(row["deadline"].text(), "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(row["uniqueness"].text(), "throttle");
    EXPECT_EQ(row["unique_key"].text(), "k");
    EXPECT_EQ(row["unique_for"].text(), format_duration(90s));
    EXPECT_EQ(row["batch_left"].number(), 4);
}

TEST_F(DescribeRecordTest, SaysWhatWasReplacedAndWhatIsNoted) {
    engine::Stored message{
        .payload = engine::Payload::make({.body = "new"}), .slot = 2, .sequence = 6};
    message.note = "half done";
    message.delivery.cancel_requested = true;

    const Json replaced = describe(broker::record::MessageReplaced{
        .queue = 1, .replaced = {.slot = 2, .sequence = 5}, .message = &message, .at = {}});
    const Json noted = describe(broker::record::MessageNoted{
        .queue = 1, .slot = 2, .sequence = 6, .note = "more"});

    EXPECT_EQ(replaced["type"].text(), "message_replaced");
    EXPECT_EQ(replaced["replaced_sequence"].number(), 5);
    EXPECT_EQ(replaced["sequence"].number(), 6);
    EXPECT_EQ(replaced["note"].text(), "half done");
    EXPECT_EQ(replaced["cancel_requested"].dump(), "true");
    EXPECT_EQ(noted["type"].text(), "message_noted");
    EXPECT_EQ(noted["note"].text(), "more");
}

TEST_F(DescribeRecordTest, BytesThatAreNoRecordGetAnError) {
    for (const log::RecordType type : {log::RecordType{22}, log::RecordType{999}}) {
        Json row;

        EXPECT_FALSE(describe_record(row, type, "\xFF\xFF", false));
        EXPECT_NE(row["error"].text(), "");
    }
}

}  // namespace
}  // namespace tranter::cli
