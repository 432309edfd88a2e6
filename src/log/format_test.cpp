#include "log/format.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::log {
namespace {

constexpr std::uint64_t store = 0x1122334455667788;

std::string sealed(Position at, std::string_view body) {
    std::string frame;
    append_frame(frame, 20, body);
    seal_frames(store, at, frame);
    return frame;
}

TEST(FrameTest, ComesBackAsItWas) {
    for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 1000U}) {
        const std::string body(size, 'x');
        const std::string bytes = sealed(make_position(3, 64), body) + "what follows";

        const auto frame = read_frame(store, make_position(3, 64), bytes);

        ASSERT_TRUE(frame) << size;
        EXPECT_EQ(frame->body, body);
        EXPECT_EQ(frame->type, 20);
        EXPECT_EQ(frame->bytes % frame_alignment, 0U);
    }
}

TEST(FrameTest, IsValidOnlyInItsPlace) {
    const std::string bytes = sealed(make_position(3, 64), "hello");

    EXPECT_FALSE(read_frame(store, make_position(3, 72), bytes));
    EXPECT_FALSE(read_frame(store, make_position(4, 64), bytes));
    EXPECT_FALSE(read_frame(store + 1, make_position(3, 64), bytes));
}

TEST(FrameTest, EveryFlippedBitButPaddingIsFound) {
    const Position at = make_position(1, 64);
    const std::string bytes = sealed(at, "hello");
    for (std::size_t bit = 0; bit < (frame_header_bytes + 5) * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));

        EXPECT_FALSE(read_frame(store, at, damaged)) << "bit " << bit;
    }
}

TEST(FrameTest, EveryTruncationIsFound) {
    const Position at = make_position(1, 64);
    const std::string bytes = sealed(at, "hello");

    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(read_frame(store, at, std::string_view(bytes).substr(0, size))) << size;
}

TEST(FrameTest, ZerosAreNoFrame) {
    EXPECT_EQ(claimed_bytes(std::string(64, '\0')), 0U);
}

TEST(BatchTest, ComesBackAsItWas) {
    std::string bytes;
    append_batch_frame(bytes, {.commit = 7, .bytes = 4096});
    seal_frames(store, 64, bytes);

    const auto frame = read_frame(store, 64, bytes);

    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->bytes, batch_frame_bytes);
    EXPECT_EQ(decode_batch(frame->body).commit, 7U);
    EXPECT_EQ(decode_batch(frame->body).bytes, 4096U);
}

TEST(SegmentHeaderTest, ComesBackAsItWasAndNoneOfItsBitsMayFlip) {
    const SegmentHeader header{
        .store = store, .number = 12, .previous_end = 4096, .repaired = true};
    const std::string bytes = encode_header(header);
    ASSERT_EQ(bytes.size(), segment_header_bytes);

    const auto decoded = decode_header(bytes);

    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->store, header.store);
    EXPECT_EQ(decoded->number, header.number);
    EXPECT_EQ(decoded->previous_end, header.previous_end);
    EXPECT_TRUE(decoded->repaired);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(decode_header(damaged)) << "bit " << bit;
    }
}

TEST(IdentityTest, ComesBackAsItWas) {
    StoreIdentity identity{.id = store};
    identity.secret[5] = 9;
    std::uint32_t version = 0;

    EXPECT_EQ(decode_identity(encode_identity(identity), version), identity);
    EXPECT_EQ(version, format_version);
    EXPECT_FALSE(decode_identity("", version));
    EXPECT_FALSE(decode_identity(encode_identity(identity).substr(1), version));
}

TEST(SegmentNameTest, SortsLikeItsNumber) {
    EXPECT_EQ(segment_name(7), "0000000007.seg");
    EXPECT_LT(segment_name(99), segment_name(100));
    EXPECT_EQ(parse_segment_name(segment_name(4'294'967'295)), 4'294'967'295);
    EXPECT_FALSE(parse_segment_name("0000000000.seg"));
    EXPECT_FALSE(parse_segment_name("9999999999.seg"));
    EXPECT_FALSE(parse_segment_name("000000007.seg"));
    EXPECT_FALSE(parse_segment_name("00000000x7.seg"));
}

}  // namespace
}  // namespace tranter::log
