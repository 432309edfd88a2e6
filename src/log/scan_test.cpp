#include "log/scan.hpp"

#include "base/log.hpp"
#include "log/log.hpp"
#include "log/test_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace tranter::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ScanTest : public testing::Test {
  protected:
    ScanTest() {
        set_component_log_level("log", LogLevel::off);
        Collected none;
        Log log(disk, {.segment_bytes = 4096, .grow_bytes = 512, .reserve_bytes = 0}, none);
        for (int i = 0; i < 30; ++i) {
            positions.push_back(log.append(20, std::to_string(i) + std::string(400, '.')));
            if (i % 3 == 2) log.sync();
        }
        log.rest();
    }
    std::string& bytes(SegmentNumber number) { return disk.files.at(segment_name(number))->bytes; }
    void damage(int record) {
        const Position at = positions[static_cast<std::size_t>(record)];
        bytes(segment_of(at))[offset_of(at) + frame_header_bytes] ^= 1;
    }
    std::vector<std::string> open_all() {
        Collected all;
        const Log log(disk, {.segment_bytes = 4096, .reserve_bytes = 0}, all);
        std::vector<std::string> names;
        for (const auto& record : all.records)
            names.push_back(record.body.substr(0, record.body.find('.')));
        return names;
    }

    TestDisk disk;
    std::vector<Position> positions;
};

TEST_F(ScanTest, AnIntactStoreHasNoDamage) {
    Collected all;

    const StoreScan scan = scan_store(disk, false, all);

    EXPECT_THAT(scan.damage(), IsEmpty());
    EXPECT_THAT(all.records, SizeIs(30));
    EXPECT_GE(scan.segments.size(), 3U);
}

TEST_F(ScanTest, SalvageGivesEverythingButTheDamagedRecord) {
    damage(4);
    Collected some;
    Collected salvaged;

    const StoreScan scan = scan_store(disk, false, some);
    scan_store(disk, true, salvaged);

    ASSERT_THAT(scan.damage(), SizeIs(1));
    EXPECT_EQ(scan.damage()[0].offset, offset_of(positions[4]));
    EXPECT_FALSE(scan.damage()[0].torn_tail);
    EXPECT_THAT(salvaged.records, SizeIs(29));
}

TEST_F(ScanTest, ADamagedBatchFrameLosesNoRecord) {
    // The batch frame of the second commit stands right before its first record.
    const std::size_t at = offset_of(positions[3]) - batch_frame_bytes + frame_header_bytes;
    bytes(1)[at] ^= 1;
    Collected salvaged;

    scan_store(disk, true, salvaged);

    EXPECT_THAT(salvaged.records, SizeIs(30));
}

TEST_F(ScanTest, RepairKeepsWhatIsIntactAndTheDamagedFile) {
    damage(4);
    damage(15);
    EXPECT_THROW(open_all(), CorruptLog);

    const auto lost = repair_store(disk);

    EXPECT_THAT(lost, SizeIs(2));
    EXPECT_THAT(open_all(), SizeIs(28));
    EXPECT_TRUE(disk.exists(segment_name(1) + ".damaged"));
    EXPECT_THAT(repair_store(disk), IsEmpty());
}

TEST_F(ScanTest, ASecondRepairKeepsWhatTheFirstOneKept) {
    damage(4);
    const SegmentNumber number = segment_of(positions[4]);
    const std::string first = bytes(number);
    repair_store(disk);
    for (const char* name : {".damaged.2", ".damaged.3"}) {
        bytes(number)[100] ^= 1;
        const std::string next = bytes(number);
        repair_store(disk);
        EXPECT_EQ(disk.files.at(segment_name(number) + name)->bytes, next);
    }

    EXPECT_EQ(disk.files.at(segment_name(number) + ".damaged")->bytes, first);
}

TEST_F(ScanTest, RepairBridgesAMissingSegment) {
    disk.remove(segment_name(2));

    const auto lost = repair_store(disk);

    ASSERT_THAT(lost, SizeIs(1));
    EXPECT_THAT(lost[0].what, HasSubstr("0000000002.seg, is missing"));
    EXPECT_THAT(open_all(), SizeIs(testing::Ge(15)));
}

TEST_F(ScanTest, RepairSurvivesALostHeader) {
    bytes(2)[3] ^= 1;

    EXPECT_THAT(repair_store(disk), SizeIs(1));
    EXPECT_THAT(open_all(), SizeIs(30));
}

TEST_F(ScanTest, RepairChangesNothingInAnIntactStore) {
    const auto before = disk.list();

    EXPECT_THAT(repair_store(disk), IsEmpty());
    EXPECT_EQ(disk.list(), before);
}

TEST_F(ScanTest, ListsSegmentsAndNothingElse) {
    for (const char* name : {"0000000009.seg.tmp", "notes.seg", "0000000000.seg"})
        disk.create(name);

    EXPECT_THAT(list_segments(disk), ElementsAre(1, 2, 3, 4));
}

TEST_F(ScanTest, EveryFlippedBitIsFoundOrHarmless) {
    std::mt19937 random(7);
    const auto intact = open_all();
    for (int round = 0; round < 300; ++round) {
        auto number = static_cast<SegmentNumber>(random() % list_segments(disk).size() + 1);
        const std::size_t at = random() % bytes(number).size();
        const std::string kept = bytes(number);
        bytes(number)[at] = static_cast<char>(bytes(number)[at] ^ (1 << (random() % 8)));
        Collected found;
        try {
            const StoreScan scan = scan_store(disk, false, found);
            if (scan.damage().empty()) {
                EXPECT_THAT(found.records, SizeIs(intact.size())) << "offset " << at;
            }
        } catch (const CorruptLog&) {
        }
        for (const auto& record : found.records)
            EXPECT_THAT(record.body, testing::EndsWith(std::string(400, '.'))) << "offset " << at;
        bytes(number) = kept;
    }
}

}  // namespace
}  // namespace tranter::log
