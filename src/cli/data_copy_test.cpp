#include "cli/data_copy.hpp"

#include "log/log.hpp"
#include "log/scan.hpp"
#include "log/test_disk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace tranter::cli {
namespace {

/// A store whose owner goes on while it is copied: `during` is what happens when the copy comes to
/// a segment.
class CopyStoreTest : public testing::Test {
  protected:
    CopyStoreTest() {
        while (newest() < 4)
            append();
    }

    log::SegmentNumber newest() { return owner.figures().newest_segment; }

    void append() {
        const std::string body = "record " + std::to_string(++appended) + std::string(500, '.');
        owner.append(99, body);
        owner.sync();
        alive.insert(body);
    }
    void grow_to(log::SegmentNumber number) {
        while (newest() < number)
            append();
    }
    /// What the compactor does: moves what is in the oldest segment, then removes it.
    void compact() {
        log::Collected oldest;
        ASSERT_EQ(owner.visit_oldest(0, UINT32_MAX, oldest), 0U);
        for (const std::string& body : oldest.bodies())
            owner.append(99, body);
        owner.sync();
        ASSERT_TRUE(owner.drop_oldest());
    }

    /// Copies, and checks that the copy is a whole store with everything that was acknowledged
    /// before.
    void copy() {
        const std::set<std::string> acknowledged = alive;
        std::map<log::SegmentNumber, int> visits;
        copy_store(source, target, owner.identity(), [&](log::SegmentNumber number) {
            if (during) during(number, ++visits[number]);
        });

        log::Collected copied;
        const log::StoreScan scan = log::scan_store(target, false, copied);
        EXPECT_TRUE(scan.damage().empty()) << scan.damage().front().what;
        const auto bodies = copied.bodies();
        const std::set<std::string> found(bodies.begin(), bodies.end());
        EXPECT_TRUE(std::ranges::includes(found, acknowledged));
        for (const auto& [name, file] : target.files)
            EXPECT_EQ(file->synced, file->bytes) << name;
        EXPECT_GT(target.directory_syncs, 0);
    }
    std::vector<log::SegmentNumber> copied() { return log::list_segments(target); }

    log::TestDisk source;
    log::TestDisk target;
    log::Collected nothing;
    log::Log owner{source, {.segment_bytes = 4096, .grow_bytes = 1024}, nothing};
    int appended = 0;
    std::set<std::string> alive;
    std::function<void(log::SegmentNumber, int)> during;
};

TEST_F(CopyStoreTest, CopiesAStoreAtRest) {
    copy();

    EXPECT_EQ(copied(), log::list_segments(source));
    EXPECT_EQ(target.files.at("store")->bytes, source.files.at("store")->bytes);
}

TEST_F(CopyStoreTest, FollowsAStoreThatGrows) {
    during = [&](log::SegmentNumber number, int) {
        if (number == 4) grow_to(6);
    };

    copy();

    EXPECT_EQ(copied(), (std::vector<log::SegmentNumber>{1, 2, 3, 4, 5, 6}));
}

TEST_F(CopyStoreTest, KeepsWhatWasCopiedBeforeItWasCompactedAway) {
    during = [&](log::SegmentNumber number, int) {
        if (number == 3) compact();
    };

    copy();

    EXPECT_EQ(copied().front(), 1U);
}

TEST_F(CopyStoreTest, DoesWithoutASegmentThatWasCompactedAwayBeforeItsTurn) {
    during = [&](log::SegmentNumber number, int) {
        if (number == 1) compact();
    };

    copy();

    EXPECT_EQ(copied().front(), 2U);
}

TEST_F(CopyStoreTest, DropsWhatWasCopiedBelowASegmentThatWasCompactedAway) {
    during = [&](log::SegmentNumber number, int visit) {
        if (number != 3 || visit > 1) return;
        compact();
        compact();
        compact();
    };

    copy();

    EXPECT_EQ(copied().front(), 4U);
}

TEST_F(CopyStoreTest, DropsAnUnfinishedCopyOfASegmentThatIsGone) {
    during = [&](log::SegmentNumber number, int visit) {
        if (number != 4) return;
        if (visit == 1) return grow_to(6);
        for (int i = 0; i < 4; ++i)
            compact();
    };

    copy();

    EXPECT_GT(copied().front(), 4U);
}

TEST_F(CopyStoreTest, LeavesWhatIsBeingWrittenBehindTheLastCommit) {
    append();
    const std::string name = log::segment_name(newest());
    const std::uint32_t end = log::offset_of(owner.end());
    source.open(name)->write(end, "half of a commit");

    copy();

    EXPECT_EQ(target.files.at(name)->bytes.size(), end);
}

TEST_F(CopyStoreTest, RefusesDamageInTheNewestSegment) {
    append();
    append();
    source.files.at(log::segment_name(newest()))->bytes[80] ^= 1;

    EXPECT_THROW(copy(), log::CorruptLog);
}

}  // namespace
}  // namespace tranter::cli
