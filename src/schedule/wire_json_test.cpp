#include "schedule/wire_json.hpp"

#include "jobs/strict_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint wire_moment{1'767'225'600s};

tranter::ScheduleDefinition every_part() {
    return {
        .name = "daily",
        .expression = "0 9 * * *",
        .timezone = "Europe/Berlin",
        .queue = "reports",
        .type = "report:generate",
        .payload = R"({"n":12345678901234567890,"x":1.50})",
        .options =
            {.priority = 1,
             .group = "acme",
             .retry = {.max_attempts = 3, .base = 500ms, .factor = 1.5, .max = 2h, .jitter = 0},
             .timeout = 90s,
             .ttl = 1h,
             .tags = {"a", "tenant=x"},
             .dedup = Dedup{.key = "k", .mode = DedupMode::throttle, .ttl = 5s},
             .runs = 10,
             .max_parallel_runs = 4,
             .success = SuccessPolicy::any()},
        .rules = {
            .misfire = {.policy = Misfire::run_all, .window = 2h, .cap = 7},
            .overlap = Overlap::skip,
            .jitter = 30s,
            .start_at = wire_moment,
            .end_at = wire_moment + 24h,
            .max_runs = 9,
            .dst_gap = DstGap::shift,
            .dst_overlap = DstOverlap::both}};
}

TEST(ScheduleWire, ADefinitionComesBackAsItWas) {
    EXPECT_EQ(definition_of(to_wire(every_part())), every_part());
}

TEST(ScheduleWire, WhatADefinitionDoesNotSayStays) {
    auto expected = every_part();
    expected.rules.misfire.cap = 8;
    expected.options.tags = {"b"};

    auto read = read_definition(
        R"({"rules":{"misfire":{"cap":8}},"options":{"tags":["b"]}})", to_wire(every_part())
    );

    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_EQ(definition_of(std::move(*read)), expected);
}

TEST(ScheduleWire, AScheduleIsReadableByWhatDescribesIt) {
    Schedule schedule{.definition = every_part(), .created_at = wire_moment};
    schedule.last_error = "no answer: \xff";
    std::string text;
    JsonWriter json(text);
    write_schedule(json, schedule);

    const auto read = jobs::from_json_strictly<wire::Schedule>(text);

    ASSERT_TRUE(read.has_value()) << read.error().message() << "\n" << text;
    EXPECT_EQ(read->state, wire::ScheduleState::ended);
    EXPECT_EQ(read->payload.text(), every_part().payload);
    EXPECT_EQ(read->rules, every_part().rules);
    EXPECT_EQ(read->group, "acme");
    // Empty ones are there, as the command line shows them.
    EXPECT_NE(text.find(R"("last_job":null)"), std::string::npos);
}

TEST(ScheduleWire, RunsAndJobsForLaterAreReadableByWhatDescribesThem) {
    const SlotRun run{
        .key = {"daily", wire_moment, true}, .state = RunState::failed, .job_id = "j"};
    const ScheduledJob job{
        .id = "i",
        .queue = "q",
        .type = "t",
        .payload = "[1.50]",
        .options = every_part().options,
        .due = wire_moment,
        .state = ScheduledState::cancelled};
    std::string run_text;
    JsonWriter run_json(run_text);
    write_run(run_json, run);
    std::string job_text;
    JsonWriter job_json(job_text);
    write_scheduled_job(job_json, job);

    const auto read_run = jobs::from_json_strictly<wire::ScheduleRun>(run_text);
    const auto read_job = jobs::from_json_strictly<wire::ScheduledJob>(job_text);

    ASSERT_TRUE(read_run.has_value()) << read_run.error().message() << "\n" << run_text;
    EXPECT_EQ(read_run->state, RunState::failed);
    ASSERT_TRUE(read_job.has_value()) << read_job.error().message() << "\n" << job_text;
    EXPECT_EQ(read_job->state, ScheduledState::cancelled);
    EXPECT_EQ(read_job->success, SuccessPolicy::any());
}

}  // namespace
}  // namespace tranter::schedule
