#include "cli/queue_settings.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

class MergeSettingsTest : public testing::Test {
  protected:
    broker::QueueSettings merged() { return merge_settings(restored, queue_settings(queue, {})); }

    QueueConfig queue{};
    broker::QueueSettings restored = queue_settings(queue, {});
};

TEST_F(MergeSettingsTest, NothingChangesWhenTheConfigurationIsTheSame) {
    EXPECT_EQ(merged(), restored);
}

TEST_F(MergeSettingsTest, TheConfigurationWins) {
    queue.visibility_timeout = 5s;
    queue.dead_letter = {.queue = "dlq", .max_receives = 3};
    restored.engine.visibility_timeout = 60s;
    restored.engine.delay = 10s;

    EXPECT_EQ(merged(), queue_settings(queue, {}));
}

TEST_F(MergeSettingsTest, TagsAreJoinedAndThoseOfTheConfigurationWin) {
    queue.tags = {{"team", "shop"}};
    restored.tags = {{"team", "billing"}, {"cost", "42"}};

    EXPECT_EQ(merged().tags, (broker::Tags{{"team", "shop"}, {"cost", "42"}}));
}

TEST_F(MergeSettingsTest, WhatOnlyTheApiCanSetStays) {
    restored.attributes = {{"Policy", "{}"}, {"RedriveAllowPolicy", "{\"gone\":1}"}};

    EXPECT_EQ(merged().attributes, (std::map<std::string, std::string>{{"Policy", "{}"}}));
}

}  // namespace
}  // namespace tranter::cli
