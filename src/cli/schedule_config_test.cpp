#include "cli/schedule_config.hpp"

#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

Result<ServerConfig> parsed(std::string_view text) {
    return parse_toml_config(text, {.name = "t.toml"}, [](const std::string&) {
        return static_cast<const char*>(nullptr);
    });
}

constexpr std::string_view whole_schedule = R"(
[scheduler]
store = "file:/var/lib/x"
lease = "20s"

[schedules.report]
cron = "0 9 * * *"
timezone = "America/New_York"
type = "report:generate"
queue = "reports"
payload = { kind = "daily", pages = [1, 2.5, "x\n"], on = true, "a b" = { } }
priority = 2
group = "acme"
tags = ["a=b"]
timeout = "10m"
retry = { max_attempts = 5, base = "1s", jitter_percent = 50 }
misfire = { policy = "run_all", window = "2d", cap = 7 }
overlap = "buffer_one"
jitter = "30s"
start_at = "2026-01-01T00:00:00+01:00"
max_runs = 9
dst_gap = "skip"
)";

TEST(ScheduleConfig, SaysEverythingOfASchedule) {
    const auto config = parsed(whole_schedule);
    ASSERT_TRUE(config) << config.error().message();
    ASSERT_EQ(config->schedules.size(), 1U);

    const auto definition = schedule_definition(config->schedules[0]);

    ASSERT_TRUE(definition);
    EXPECT_EQ(config->scheduler.store, "file:/var/lib/x");
    EXPECT_EQ(config->scheduler.lease, 20s);
    EXPECT_EQ(definition->name, "report");
    EXPECT_EQ(definition->expression, "0 9 * * *");
    EXPECT_EQ(definition->queue, "reports");
    // toml++ sorts the members of tables
    EXPECT_EQ(definition->payload, R"({"a b":{},"kind":"daily","on":true,"pages":[1,2.5,"x\n"]})");
    EXPECT_EQ(definition->options.priority, 2);
    EXPECT_EQ(definition->options.timeout, 10min);
    EXPECT_EQ(definition->options.retry.max_attempts, 5U);
    EXPECT_EQ(definition->options.retry.jitter, 0.5);
    EXPECT_EQ(definition->rules.misfire.policy, Misfire::run_all);
    EXPECT_EQ(definition->rules.misfire.window, 48h);
    EXPECT_EQ(definition->rules.overlap, Overlap::buffer_one);
    EXPECT_EQ(definition->rules.jitter, 30s);
    EXPECT_EQ(
        definition->rules.start_at,
        TimePoint(std::chrono::sys_days(std::chrono::year(2025) / 12 / 31)) + 23h
    );
    EXPECT_EQ(definition->rules.max_runs, 9U);
    EXPECT_EQ(definition->rules.dst_gap, DstGap::skip);
}

TEST(ScheduleConfig, IsWrittenAsItWasRead) {
    const auto config = parsed(whole_schedule);
    ASSERT_TRUE(config);

    const auto again = parsed(write_toml_config(*config));

    ASSERT_TRUE(again) << again.error().message() << write_toml_config(*config);
    EXPECT_EQ(*again, *config);
}

TEST(ScheduleConfig, WhatIsWrongIsSaidWithAReason) {
    const auto said = [](std::string_view body) {
        const auto config = parsed("[schedules.a]\n" + std::string(body));
        return config ? std::string() : config.error().message();
    };
    const auto says = [&](std::string_view body, std::string_view what) {
        const std::string text = said(body);
        return text.starts_with("t.toml:") && text.find(what) != std::string::npos;
    };

    EXPECT_TRUE(says("type = \"t\"", "has no time"));
    EXPECT_TRUE(says("cron = \"* * * * *\"\nevery = \"1h\"\ntype = \"t\"", "keep one"));
    EXPECT_TRUE(says("cron = \"* * * * *\"", "has no type"));
    EXPECT_TRUE(says("cron = \"61 * * * *\"\ntype = \"t\"", "61"));
    EXPECT_TRUE(says("every = \"1h\"\ntimezone = \"Mars\"\ntype = \"t\"", "Mars"));
    EXPECT_TRUE(says("every = \"1h\"\ntype = \"t\"\nend_at = \"soon\"", "end_at"));
    EXPECT_TRUE(says("every = \"1h\"\ntype = \"t\"\npayload = 2026-01-01", "date"));
    EXPECT_TRUE(says("every = \"1h\"\ntype = \"t\"\nend_at = 2026-01-01", "is a date or null"));
    EXPECT_TRUE(says("cron = \"0 9 30 2 *\"\ntype = \"t\"", "never fires"));
    EXPECT_EQ(said("cron = \"0 0 9 1 1 * 1999\"\ntype = \"t\""), "");
    EXPECT_TRUE(says("evry = \"1h\"\ntype = \"t\"", "did you mean"));
    EXPECT_TRUE(says("every = \"1h\"\ntype = \"t\"\noverlap = \"no\"", "buffer_one"));
    EXPECT_EQ(said("every = \"1h\"\ntype = \"t\""), "");
}

TEST(ScheduleConfig, WhatIsWrongIsSaidWithTheLineOfItsKey) {
    const auto place = [](std::string_view body) {
        const auto config = parsed("\n[schedules.a]\n" + std::string(body));
        if (config) return std::string("fine");
        const std::string text = config.error().message();
        return text.substr(0, text.find(": ", text.find(": ") + 1));
    };

    EXPECT_EQ(place("type = \"t\"\n"), "t.toml:2: schedules.a");
    EXPECT_EQ(place("every = \"1h\"\n"), "t.toml:2: schedules.a");
    EXPECT_EQ(place("type = \"t\"\ncron = \"61 * * * *\"\n"), "t.toml:4: schedules.a.cron");
    EXPECT_EQ(
        place("type = \"t\"\ncron = \"0 9 30 2 *\"\ntimezone = \"UTC\"\n"),
        "t.toml:4: schedules.a.cron"
    );
    EXPECT_EQ(
        place("type = \"t\"\nqueue = \"q\"\nevery = \"one hour\"\n"), "t.toml:5: schedules.a.every"
    );
    EXPECT_EQ(
        place("type = \"t\"\ncron = \"@daily\"\ntimezone = \"Mars\"\n"),
        "t.toml:5: schedules.a.timezone"
    );
    EXPECT_EQ(
        place("type = \"t\"\ncron = \"CRON_TZ=Mars @daily\"\ntimezone = \"UTC\"\n"),
        "t.toml:4: schedules.a.cron"
    );
    EXPECT_EQ(place("cron = \"@daily\"\n\ntype = \"a b\"\n"), "t.toml:5: schedules.a.type");
    EXPECT_EQ(
        place("cron = \"@daily\"\ntype = \"t\"\nend_at = \"soon\"\n"),
        "t.toml:5: schedules.a.end_at"
    );
    EXPECT_EQ(
        place("every = \"1h\"\ntype = \"t\"\nend_at = \"2026-01-01T00:00:00Z\"\n"
              "start_at = \"2027-01-01T00:00:00Z\"\n"),
        "t.toml:5: schedules.a.end_at"
    );
    EXPECT_EQ(place("every = \"1h\"\ntype = \"t\"\nqueue = \"\"\n"), "t.toml:5: schedules.a.queue");
    EXPECT_EQ(
        place("cron = \"@daily\"\ntype = \"t\"\nevery = \"1h\"\n"), "t.toml:5: schedules.a.every"
    );
    EXPECT_EQ(
        place("cron = \"@daily\"\ntype = \"t\"\nanchor = \"registration\"\n"),
        "t.toml:5: schedules.a.anchor"
    );
    EXPECT_EQ(
        place("cron = \"@daily\"\ntype = \"t\"\ntags = [\"\"]\n"), "t.toml:5: schedules.a.tags"
    );
    EXPECT_EQ(place("cron = \"@daily\"\ntype = \"t\"\n"), "fine");
}

}  // namespace
}  // namespace tranter::cli
