#include <tranter/job.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view a_uuid = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10";

NewJob job_with(JobOptions options) {
    return {.type = "email.welcome", .options = std::move(options)};
}

JobOptions deduplicated(Dedup dedup) {
    return {.dedup = std::move(dedup)};
}

TEST(NewJobTest, NothingIsWrongWithOneThatUsesEverything) {
    const TimePoint later = TimePoint(std::chrono::sys_days(std::chrono::year(2030) / 1 / 1));
    const NewJob job{
        .id = std::string(a_uuid),
        .type = "report:daily",
        .payload = "{}",
        .run_at = later,
        .options = {
            .priority = 9,
            .group = std::string(group_bytes_max, 'g'),
            .retry = {.max_attempts = 1, .base = 0ms, .factor = 1, .max = 0ms, .jitter = 1},
            .timeout = 24h,
            .ttl = 24h,
            .deadline = later + 1us,
            .tags = std::vector<std::string>(tags_max, std::string(tag_bytes_max, 't')),
            .dedup = Dedup{.key = "k", .mode = DedupMode::throttle, .ttl = 1ms},
            .runs = runs_max,
            .max_parallel_runs = runs_max}};

    EXPECT_EQ(problem_of(job), "");
    EXPECT_EQ(problem_of(NewJob{.type = "a"}), "");
    EXPECT_EQ(problem_of(NewJob{.type = "_a", .delay = 24h * 3650}), "");
}

TEST(NewJobTest, TheTypeIsAWordThatIsNotReserved) {
    EXPECT_THAT(problem_of({.type = ""}), HasSubstr("type is \"\", it must be 1 to 128"));
    EXPECT_THAT(problem_of({.type = "a b"}), HasSubstr("\"a b\""));
    EXPECT_THAT(problem_of({.type = "__batch"}), HasSubstr("reserved"));
    EXPECT_THAT(problem_of({.type = std::string(5000, 'x')}), HasSubstr("xxx..."));
    EXPECT_EQ(problem_of({.type = "a\nb"}).find('\n'), std::string::npos);
}

TEST(NewJobTest, TheIdIsAUuid) {
    EXPECT_THAT(problem_of({.id = "42", .type = "a"}), HasSubstr("id is \"42\""));
    EXPECT_EQ(problem_of({.id = std::string(a_uuid), .type = "a"}), "");
}

TEST(NewJobTest, ThePayloadHasALimit) {
    EXPECT_EQ(problem_of({.type = "a", .payload = std::string(payload_bytes_max, '1')}), "");
    EXPECT_EQ(
        problem_of({.type = "a", .payload = std::string(payload_bytes_max + 1, '1')}),
        "payload is 1048577 bytes, limit is 1048576"
    );
}

TEST(NewJobTest, DurationsAreFromZeroToTenYears) {
    EXPECT_EQ(
        problem_of({.type = "a", .delay = -1s}), "delay is -1000ms, it must not be below zero"
    );
    EXPECT_EQ(problem_of({.type = "a", .delay = 24h * 3651}), "delay is 3651d, limit is 3650d");
    EXPECT_THAT(problem_of({.type = "a", .delay = Milliseconds::max()}), HasSubstr("limit"));
    EXPECT_THAT(problem_of({.type = "a", .delay = Milliseconds::min()}), HasSubstr("below"));
    EXPECT_THAT(problem_of(job_with({.timeout = -1ms})), HasSubstr("timeout is -1ms"));
    EXPECT_THAT(problem_of(job_with({.ttl = -1ms})), HasSubstr("ttl is -1ms"));
    EXPECT_THAT(problem_of(job_with({.retry = {.max = 24h * 9999}})), HasSubstr("retry.max"));
}

TEST(NewJobTest, TimesAreFrom1970To9999) {
    EXPECT_THAT(problem_of({.type = "a", .run_at = TimePoint(-1us)}), HasSubstr("run_at is -1 us"));
    EXPECT_THAT(problem_of({.type = "a", .run_at = TimePoint::max()}), HasSubstr("run_at is"));
    EXPECT_THAT(problem_of(job_with({.deadline = TimePoint(-1us)})), HasSubstr("deadline is"));
}

TEST(NewJobTest, OptionsThatExcludeEachOtherAreRefused) {
    NewJob both{.type = "a", .delay = 5min, .run_at = TimePoint(1us)};
    NewJob expired{.type = "a", .delay = 5min, .options = {.ttl = 5min}};
    NewJob late{.type = "a", .run_at = TimePoint(2us), .options = {.deadline = TimePoint(2us)}};

    EXPECT_THAT(problem_of(both), HasSubstr("delay is 5m and run_at is set"));
    EXPECT_THAT(problem_of(expired), HasSubstr("it must be below ttl, which is 5m"));
    EXPECT_THAT(problem_of(late), HasSubstr("would never begin"));
}

TEST(NewJobTest, PrioritiesAreFromZeroToNine) {
    EXPECT_EQ(problem_of(job_with({.priority = 10})), "priority is 10, it must be 0 (first) to 9");
    EXPECT_NE(problem_of(job_with({.priority = -1})), "");
}

TEST(NewJobTest, TextsAreShortLinesOfUtf8) {
    const std::string long_group(group_bytes_max + 1, 'g');

    EXPECT_EQ(problem_of(job_with({.group = long_group})), "group is 129 bytes, limit is 128");
    EXPECT_THAT(problem_of(job_with({.group = "\xff"})), HasSubstr("UTF-8"));
    EXPECT_THAT(problem_of(job_with({.group = "a\nb"})), HasSubstr("control characters"));
    EXPECT_THAT(problem_of(job_with({.tags = {"a", ""}})), HasSubstr("tags[1] is empty"));
    EXPECT_THAT(
        problem_of(job_with({.tags = {std::string(tag_bytes_max + 1, 't')}})),
        HasSubstr("tags[0] is 129 bytes, limit is 128")
    );
    EXPECT_EQ(
        problem_of(job_with({.tags = std::vector<std::string>(17, "t")})),
        "tags are 17, limit is 16"
    );
    EXPECT_THAT(problem_of(job_with({.tags = {"\x01"}})), HasSubstr("tags[0]"));
}

TEST(NewJobTest, TheRetryPolicyMakesSense) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();

    EXPECT_THAT(problem_of(job_with({.retry = {.max_attempts = 0}})), HasSubstr("max_attempts"));
    EXPECT_THAT(problem_of(job_with({.retry = {.factor = nan}})), HasSubstr("retry.factor"));
    EXPECT_THAT(problem_of(job_with({.retry = {.factor = infinity}})), HasSubstr("finite"));
    EXPECT_THAT(problem_of(job_with({.retry = {.jitter = nan}})), HasSubstr("retry.jitter"));
}

TEST(NewJobTest, AKeyAndATimeGoWithEachWayOfDeduplication) {
    const auto throttle = DedupMode::throttle;
    const auto debounce = DedupMode::debounce;

    EXPECT_THAT(problem_of(job_with(deduplicated({}))), HasSubstr("dedup.key is empty"));
    EXPECT_THAT(
        problem_of(job_with(deduplicated({.key = std::string(256, 'k')}))),
        HasSubstr("dedup.key is 256 bytes, limit is 255")
    );
    EXPECT_THAT(
        problem_of(job_with(deduplicated({.key = "k", .mode = throttle}))),
        HasSubstr("throttle needs the time")
    );
    EXPECT_THAT(
        problem_of(job_with(deduplicated({.key = "k", .mode = debounce, .ttl = -1s}))),
        HasSubstr("dedup.ttl is -1000ms")
    );
    EXPECT_EQ(problem_of(job_with(deduplicated({.key = "k", .mode = debounce}))), "");
    EXPECT_THAT(
        problem_of(job_with(deduplicated({.key = "k", .ttl = 1s}))),
        HasSubstr("only throttle and debounce have one")
    );
}

TEST(NewJobTest, RunsHaveBounds) {
    EXPECT_EQ(problem_of(job_with({.runs = 0})), "runs is 0, it must be 1 to 1000");
    EXPECT_THAT(problem_of(job_with({.runs = 1001})), HasSubstr("1001"));
    EXPECT_EQ(
        problem_of(job_with({.runs = 3, .max_parallel_runs = 4})),
        "max_parallel_runs is 4, it must not be above runs, which is 3"
    );
    EXPECT_EQ(problem_of(job_with({.runs = 3, .success = SuccessPolicy::at_least(3)})), "");
    EXPECT_EQ(
        problem_of(job_with({.runs = 3, .success = SuccessPolicy::at_least(4)})),
        "success is at_least(4), it must not need more than runs, which is 3"
    );
}

}  // namespace
}  // namespace tranter
