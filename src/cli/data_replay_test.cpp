#include "cli/data_replay.hpp"

#include "broker/store.hpp"
#include "log/directory.hpp"
#include "log/test_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace tranter::cli {
namespace {

using ::testing::SizeIs;

TEST(ReplayTest, CountsMessagesAndLeavesTheirBodiesInTheLog) {
    auto disk = std::make_unique<log::TestDisk>();
    {
        std::optional<SteadyClock> clock;
        broker::Store store(*disk, {}, [&](Instant newest) -> const Clock& {
            return clock.emplace(newest);
        });
        const auto queue = *store.broker().create_queue("orders", {});
        const std::string body(1000, 'x');
        for (int i = 0; i < 3; ++i) {
            std::ignore = store.broker().send(
                queue, {.payload = engine::Payload::make({.body = body}), .options = {}}
            );
        }
        store.log().sync();
    }

    const Replayed replayed = replay({.disk = std::move(disk)});

    EXPECT_EQ(replayed.messages, 3U);
    ASSERT_THAT(replayed.queues, SizeIs(1));
    EXPECT_EQ(replayed.queues[0].visible, 3U);
    EXPECT_GE(replayed.queues[0].bytes, 3000U);
    EXPECT_EQ(replayed.queues[0].bytes_in_memory, 0U);
}

TEST(OpenIfThereTest, AFileThatIsGoneIsNoFailure) {
    log::TestDisk disk;
    disk.create("there");

    EXPECT_NE(open_if_there(disk, "there"), nullptr);
    EXPECT_EQ(open_if_there(disk, "gone"), nullptr);
}

TEST(OpenIfThereTest, AFileThatCannotBeOpenedIsOne) {
    std::string directory = testing::TempDir() + "tranter-open-XXXXXX";
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    std::filesystem::create_directory(directory + "/0000000001.seg");
    const auto disk = log::open_directory(directory);

    EXPECT_THROW(std::ignore = open_if_there(*disk, "0000000001.seg"), log::DiskError);

    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tranter::cli
