#include "log/log.hpp"

#include "base/log.hpp"
#include "log/scan.hpp"
#include "log/test_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace tranter::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogTest : public testing::Test {
  protected:
    LogTest() { set_component_log_level("log", LogLevel::off); }

    Log& open() {
        log.reset();
        found = {};
        log = std::make_unique<Log>(disk, options, found);
        return *log;
    }
    /// What became of a wait: nothing while it lasts.
    std::shared_ptr<std::optional<bool>> watch(Position position) {
        auto answer = std::make_shared<std::optional<bool>>();
        log->when_durable(position, [answer](bool durable) { *answer = durable; });
        return answer;
    }
    std::shared_ptr<std::optional<bool>> watch_written(Position position) {
        auto answer = std::make_shared<std::optional<bool>>();
        log->when_written(position, [answer](bool written) { *answer = written; });
        return answer;
    }
    void append_and_sync(const std::string& body) {
        log->append(some_type, body);
        log->sync();
    }
    std::string& bytes(SegmentNumber number) { return disk.files.at(segment_name(number))->bytes; }

    TestDisk disk;
    LogOptions options{.segment_bytes = 4096, .grow_bytes = 1024, .reserve_bytes = 1000};
    Collected found;
    std::unique_ptr<Log> log;
};

TEST_F(LogTest, GivesBackWhatWasAppendedInOrder) {
    open();
    log->append(20, "one");
    log->append(21, "");
    append_and_sync("three");

    open();

    ASSERT_EQ(found.records.size(), 3U);
    EXPECT_THAT(found.bodies(), ElementsAre("one", "", "three"));
    EXPECT_EQ(found.records[1].type, 21);
    EXPECT_EQ(log->opened().records, 3U);
    EXPECT_THAT(log->opened().torn_tail, IsEmpty());
}

TEST_F(LogTest, PositionsGrowAndNameTheRecordAfterReopening) {
    open();
    const Position first = log->append(some_type, "a");
    const Position second = log->append(some_type, "b");
    log->sync();

    open();

    EXPECT_LT(first, second);
    EXPECT_EQ(found.records[0].at, first);
    EXPECT_EQ(found.records[1].at, second);
}

TEST_F(LogTest, AnswersOnlyAfterTheSyncAndAllThatShareIt) {
    open();
    const auto first = watch(log->append(some_type, "a"));
    const auto second = watch(log->append(some_type, "b"));
    log->write();
    EXPECT_FALSE(first->has_value());

    log->sync();

    EXPECT_EQ(*first, true);
    EXPECT_EQ(*second, true);
    EXPECT_EQ(log->figures().commits, 1U);
    EXPECT_EQ(log->figures().syncs, 1U);
}

TEST_F(LogTest, WhoWaitsForTheKernelIsAnsweredByAWriteAlone) {
    open();
    const Position position = log->append(some_type, "a");
    const auto answer = watch_written(position);
    EXPECT_TRUE(log->wants(Log::Wanted::write));
    EXPECT_FALSE(log->wants(Log::Wanted::sync));

    log->write();

    EXPECT_EQ(*answer, true);
    EXPECT_FALSE(log->is_durable(position));
}

TEST_F(LogTest, AWaitForTheEndCoversWhatWasAppendedBefore) {
    open();
    log->append(some_type, "a");
    const auto answer = watch(log->end());
    EXPECT_FALSE(answer->has_value());

    log->sync();

    EXPECT_EQ(*answer, true);
    EXPECT_EQ(*watch(log->end()), true);
}

TEST_F(LogTest, ARecordAppendedAfterACommitIsNotCoveredByIt) {
    open();
    append_and_sync("a");

    const Position later = log->append(some_type, "b");

    EXPECT_FALSE(log->is_durable(later));
}

TEST_F(LogTest, WithOsDurabilityAWriteIsEnough) {
    options.durability = Durability::os;
    open();
    const auto answer = watch(log->append(some_type, "a"));

    log->write();

    EXPECT_EQ(*answer, true);
}

TEST_F(LogTest, BeginsANewSegmentWhenOneIsFull) {
    open();
    EXPECT_EQ(log->next_segment(), 1U);
    append_and_sync(std::string(5000, 'x'));
    EXPECT_EQ(log->next_segment(), 2U);

    const Position position = log->append(some_type, "in the second");
    log->sync();

    EXPECT_EQ(segment_of(position), 2U);
    EXPECT_EQ(disk.files.at(segment_name(1))->bytes, disk.files.at(segment_name(1))->synced);
    open();
    EXPECT_EQ(found.records.back().body, "in the second");
}

TEST_F(LogTest, OneCommitMaySpanSegments) {
    open();
    for (int i = 0; i < 12; ++i)
        log->append(some_type, std::string(1500, static_cast<char>('a' + i)));
    log->sync();

    EXPECT_GE(log->figures().newest_segment, 4U);
    disk.lose_unsynced();
    open();
    EXPECT_EQ(found.records.size(), 12U);
}

TEST_F(LogTest, LosesNothingThatWasAcknowledgedWhenUnsyncedBytesAreLost) {
    open();
    append_and_sync("kept");
    log->append(some_type, "lost");
    log->write();

    disk.lose_unsynced();
    open();

    EXPECT_THAT(found.bodies(), ElementsAre("kept"));
}

TEST_F(LogTest, CutsATornTailAndSaysSo) {
    open();
    append_and_sync("kept");
    const Position torn = log->append(some_type, "torn apart");
    log->sync();
    bytes(1)[offset_of(torn) + frame_header_bytes + 2] ^= 1;

    open();

    EXPECT_THAT(found.bodies(), ElementsAre("kept"));
    EXPECT_THAT(log->opened().torn_tail, HasSubstr("0000000001.seg is damaged at offset"));
    append_and_sync("next");
    open();
    EXPECT_THAT(found.bodies(), ElementsAre("kept", "next"));
    EXPECT_THAT(log->opened().torn_tail, IsEmpty());
}

TEST_F(LogTest, WhatIsLeftOfATornCommitIsACommitFromThenOn) {
    open();
    log->append(some_type, "whole");
    const Position torn = log->append(some_type, "torn apart");
    log->sync();
    bytes(1)[offset_of(torn) + frame_header_bytes + 2] ^= 1;
    open();
    append_and_sync("next");

    open();

    EXPECT_THAT(found.bodies(), ElementsAre("whole", "next"));
    EXPECT_THAT(log->opened().torn_tail, IsEmpty());
}

TEST_F(LogTest, CommitsThatWereNotSyncedMayReachTheDiskInAnyOrder) {
    open();
    append_and_sync("synced");
    const Position missing = log->append(some_type, "missing");
    log->write();
    log->append(some_type, "there");
    log->write();
    std::string& file = bytes(1);
    const std::size_t from = offset_of(missing) - batch_frame_bytes;
    const std::size_t length = batch_frame_bytes + frame_bytes(std::string("missing").size());
    file.replace(from, length, length, '\0');

    open();

    EXPECT_THAT(found.bodies(), ElementsAre("synced"));
    EXPECT_THAT(log->opened().torn_tail, HasSubstr("0000000001.seg"));
    append_and_sync("next");
    open();
    EXPECT_THAT(found.bodies(), ElementsAre("synced", "next"));
}

TEST_F(LogTest, ALogAtRestRefusesDamageOfTheCommitThatFilledItsSegment) {
    open();
    const Position damaged = log->append(some_type, std::string(5000, 'x'));
    log->rest();
    bytes(1)[offset_of(damaged) + frame_header_bytes] ^= 1;

    EXPECT_THROW(open(), CorruptLog);
}

TEST_F(LogTest, RefusesDamageThatHasACommitBehindIt) {
    open();
    const Position damaged = log->append(some_type, "damaged");
    log->sync();
    append_and_sync("behind it");
    bytes(1)[offset_of(damaged) + frame_header_bytes] ^= 1;

    try {
        open();
        FAIL() << "opened a damaged log";
    } catch (const CorruptLog& error) {
        EXPECT_THAT(
            error.what(),
            HasSubstr(
                "test/0000000001.seg is damaged at offset " + std::to_string(offset_of(damaged))
            )
        );
    }
}

TEST_F(LogTest, ALogAtRestRefusesDamageOfItsLastCommit) {
    open();
    const Position last = log->append(some_type, "last");
    log->rest();
    bytes(1)[offset_of(last) + frame_header_bytes] ^= 1;

    EXPECT_THROW(open(), CorruptLog);
}

TEST_F(LogTest, RestsOnlyOnce) {
    open();
    append_and_sync("a");
    log->rest();
    const auto commits = log->figures().commits;

    log->rest();

    EXPECT_EQ(log->figures().commits, commits);
}

TEST_F(LogTest, RefusesAMissingOrShortenedSegment) {
    open();
    for (int i = 0; i < 3; ++i)
        append_and_sync(std::string(5000, 'x'));

    auto kept = disk.files.at(segment_name(2));
    disk.files.erase(segment_name(2));
    EXPECT_THROW(open(), CorruptLog);
    disk.files[segment_name(2)] = kept;
    open();
    bytes(1).resize(segment_header_bytes);
    EXPECT_THROW(open(), CorruptLog);
}

TEST_F(LogTest, RefusesAStaleSegmentUnderAnotherName) {
    open();
    for (int i = 0; i < 2; ++i)
        append_and_sync(std::string(5000, 'x'));
    log.reset();
    bytes(2) = bytes(1);

    EXPECT_THROW(open(), CorruptLog);
}

TEST_F(LogTest, ANewestSegmentWithoutAHeaderIsATornTail) {
    open();
    append_and_sync(std::string(5000, 'x'));
    append_and_sync("y");
    log.reset();
    bytes(2).assign(600, '\0');

    open();

    EXPECT_EQ(found.records.size(), 1U);
    append_and_sync("z");
    open();
    EXPECT_EQ(found.records.back().body, "z");
}

TEST_F(LogTest, NothingIsAcknowledgedAfterAFailedSync) {
    open();
    const auto before = watch(log->append(some_type, "a"));
    disk.fail_sync = 0;
    EXPECT_FALSE(log->sync());

    EXPECT_EQ(*before, false);
    EXPECT_EQ(log->accepts(), Accepts::nothing);
    EXPECT_THAT(log->trouble(), HasSubstr("input/output error"));
    const auto after = watch(log->append(some_type, "b"));
    EXPECT_FALSE(log->sync());
    EXPECT_EQ(*after, false);
    EXPECT_EQ(*watch_written(log->append(some_type, "c")), false);
}

TEST_F(LogTest, AFailedWriteEndsTheLogToo) {
    open();
    const auto answer = watch(log->append(some_type, "a"));
    disk.fail_write = 0;

    EXPECT_FALSE(log->write());

    EXPECT_EQ(*answer, false);
    log->check_space();
    EXPECT_EQ(log->accepts(), Accepts::nothing);
}

TEST_F(LogTest, GoesOnByItselfWhenThereIsSpaceAgain) {
    open();
    append_and_sync("before");
    disk.full = true;
    const auto refused = watch(log->append(some_type, std::string(2000, 'x')));
    log->sync();
    EXPECT_EQ(*refused, false);
    EXPECT_EQ(log->accepts(), Accepts::nothing);
    EXPECT_THAT(log->trouble(), HasSubstr("no space"));

    disk.full = false;
    log->check_space();

    EXPECT_EQ(log->accepts(), Accepts::everything);
    const auto accepted = watch(log->append(some_type, "after"));
    log->sync();
    EXPECT_EQ(*accepted, true);
    open();
    EXPECT_EQ(found.records.size(), 3U);
}

TEST_F(LogTest, ASegmentThatFoundNoSpaceIsBegunAgain) {
    open();
    append_and_sync(std::string(4096, 'x'));
    disk.full = true;
    append_and_sync("in the next");
    EXPECT_EQ(log->accepts(), Accepts::nothing);

    disk.full = false;
    log->check_space();
    log->sync();

    open();
    EXPECT_EQ(found.records.back().body, "in the next");
}

TEST_F(LogTest, ASegmentIsNotTheNewestBeforeSomethingIsWrittenToIt) {
    options.grow_bytes = 16384;
    open();
    append_and_sync("there is space for the rest of this segment");
    disk.full = true;
    log->append(some_type, std::string(5000, 'x'));
    log->append(some_type, "in the next segment, for which there is none");
    log->write();

    EXPECT_EQ(log->figures().newest_segment, 1U);
    disk.full = false;
    log->check_space();
    EXPECT_EQ(log->figures().newest_segment, 2U);
}

TEST_F(LogTest, TakesOnlyWhatFreesSpaceWhenTheDiskIsNearlyFull) {
    open();
    disk.free = 999;
    log->check_space();
    EXPECT_EQ(log->accepts(), Accepts::no_growth);
    EXPECT_THAT(log->trouble(), HasSubstr("nearly full"));

    disk.free = 1100;
    log->check_space();
    EXPECT_EQ(log->accepts(), Accepts::no_growth);
    disk.free = 1300;
    log->check_space();
    EXPECT_EQ(log->accepts(), Accepts::everything);
}

TEST_F(LogTest, WritesTheNewestSegmentAnewBeforeItIsTrusted) {
    open();
    append_and_sync("a");
    log->append(some_type, "readable, but never synced");
    log->write();

    open();
    disk.lose_unsynced();
    open();

    EXPECT_THAT(found.bodies(), ElementsAre("a", "readable, but never synced"));
}

TEST_F(LogTest, ReadsARecordBackFromTheBufferAndFromItsFile) {
    open();
    const Position position = log->append(some_type, std::string(9000, 'b'));
    ASSERT_TRUE(log->read(position));
    EXPECT_EQ(log->read(position)->body, std::string(9000, 'b'));

    log->sync();
    ASSERT_TRUE(log->read(position));
    EXPECT_EQ(log->read(position)->body, std::string(9000, 'b'));
    EXPECT_EQ(log->read(position)->type, some_type);
    EXPECT_FALSE(log->read(make_position(77, 64)));
    bytes(1)[offset_of(position) + 100] ^= 1;
    EXPECT_THROW(std::ignore = log->read(position), CorruptLog);
}

TEST_F(LogTest, DoesNotGrowTheFileAtEveryCommit) {
    open();
    append_and_sync("a");
    const std::size_t size = bytes(1).size();

    append_and_sync("b");

    EXPECT_EQ(bytes(1).size(), size);
    EXPECT_EQ(size % options.grow_bytes, 0U);
}

TEST_F(LogTest, RefusesAnotherStoresIdentityAndOtherFormats) {
    open();
    append_and_sync("a");
    log.reset();
    auto& identity = disk.files.at("store")->bytes;
    const std::string kept = identity;

    for (const std::uint32_t version : {format_version - 1, format_version + 1}) {
        identity[8] = static_cast<char>(version);
        try {
            open();
            ADD_FAILURE() << "opened format " << version;
        } catch (const CorruptLog& error) {
            const std::string text = error.what();
            EXPECT_NE(text.find("says format " + std::to_string(version)), std::string::npos)
                << text;
        }
    }
    identity = kept;
    identity[20] ^= 1;
    EXPECT_THROW(open(), CorruptLog);
    identity = kept;
    disk.files.erase("store");
    EXPECT_THROW(open(), CorruptLog);
}

TEST_F(LogTest, TellsOnceWhenSomebodyBeginsToWait) {
    open();
    std::vector<Log::Wanted> heard;
    log->on_wanted([&](Log::Wanted wanted) { heard.push_back(wanted); });

    const auto first = watch(log->append(some_type, "a"));
    const auto second = watch(log->append(some_type, "b"));
    const auto third = watch_written(log->append(some_type, "c"));

    EXPECT_THAT(heard, ElementsAre(Log::Wanted::sync, Log::Wanted::write));
    log->sync();
    EXPECT_FALSE(log->wants(Log::Wanted::sync));
}

}  // namespace
}  // namespace tranter::log
