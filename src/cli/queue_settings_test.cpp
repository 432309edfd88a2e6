#include "cli/queue_settings.hpp"

#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

class MergeSettingsTest : public testing::Test {
  protected:
    /// As a restart with these lines under [queues.NAME] has it.
    broker::QueueSettings merged(const std::string& keys, const std::string& name = "q") {
        const auto config =
            parse_toml_config("[queues.\"" + name + "\"]\n" + keys, {.name = "test.toml"}, {});
        EXPECT_TRUE(config) << config.error().message();
        return merge_settings(restored, config->queues.back(), *config);
    }

    broker::QueueSettings restored = queue_settings({}, {});
};

TEST_F(MergeSettingsTest, NothingChangesWhenTheConfigurationIsTheSame) {
    EXPECT_EQ(merged("retention = \"4d\""), restored);
}

TEST_F(MergeSettingsTest, AKeyOfTheConfigurationWinsAlsoWithItsDefault) {
    restored.engine.visibility_timeout = 60s;
    restored.engine.retention = 24h;

    const auto settings = merged("visibility_timeout = \"5s\"\nretention = \"4d\"");

    EXPECT_EQ(settings.engine.visibility_timeout, Duration(5s));
    EXPECT_EQ(settings.engine.retention, Duration(96h));
}

TEST_F(MergeSettingsTest, WhatTheApiSetStaysWithoutAKey) {
    restored.engine.visibility_timeout = 60s;
    restored.engine.delay = 10s;
    restored.engine.retention = 14 * 24h;
    restored.engine.max_receives = 3;
    restored.engine.deduplication_scope = engine::DeduplicationScope::message_group;
    restored.receive_wait = 20s;
    restored.max_message_bytes = 1024;
    restored.content_based_deduplication = true;
    restored.dead_letter_queue = "dlq.fifo";
    restored.engine.groups.order = engine::Order::fifo;
    restored.attributes = {
        {"Policy", "{}"},
        {"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"},
        {"DeduplicationScope", "messageGroup"},
        {"FifoThroughputLimit", "perMessageGroupId"}};

    EXPECT_EQ(merged("", "q.fifo"), restored);
}

TEST_F(MergeSettingsTest, AttributesOfTheConfigurationWin) {
    restored.attributes = {{"Policy", "{}"}, {"RedriveAllowPolicy", "{\"gone\":1}"}};

    EXPECT_EQ(
        merged("redrive_allow = \"allowAll\"").attributes,
        (std::map<std::string, std::string>{{"Policy", "{}"}})
    );
}

TEST_F(MergeSettingsTest, WhatOnlyTheConfigurationCanSetGoesWithItsKey) {
    restored.bytes_max = 1000;
    restored.copy_to = "copies";
    restored.engine.groups.max_queued_per_group = 5;

    EXPECT_EQ(merged(""), queue_settings({}, {}));
}

TEST_F(MergeSettingsTest, TagsAreJoinedAndThoseOfTheConfigurationWin) {
    restored.tags = {{"team", "billing"}, {"cost", "42"}};

    EXPECT_EQ(
        merged("tags = { team = \"shop\" }").tags, (broker::Tags{{"team", "shop"}, {"cost", "42"}})
    );
}

TEST_F(MergeSettingsTest, SaysWhichKeysChanged) {
    EXPECT_EQ(
        describe_changes(restored, merged("delay = \"3s\"\ngroups.max_queued = 7")), "delay, groups"
    );
    EXPECT_EQ(describe_changes(restored, restored), "");
}

}  // namespace
}  // namespace tranter::cli
