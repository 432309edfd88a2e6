#include "jobs/job_json.hpp"

#include <gtest/gtest.h>

namespace tranter::jobs {
namespace {

using namespace std::chrono_literals;

JobOptions every_option() {
    JobOptions options;
    options.priority = 1;
    options.retry = {
        .max_attempts = 3, .base = 500ms, .factor = 1.5, .max = std::chrono::hours(2), .jitter = 0};
    options.timeout = 90s;
    options.ttl = std::chrono::hours(1);
    options.deadline = TimePoint(1'767'225'600s + 1us);
    options.tags = {"a", "tenant=\"x\""};
    options.dedup = Dedup{.key = "k\n", .mode = DedupMode::keep_latest, .ttl = 5s};
    options.runs = 10;
    options.max_parallel_runs = 4;
    options.success = SuccessPolicy::at_least(3);
    return options;
}

std::string problem(std::string_view text) {
    const auto options = options_from_json(text);
    return options ? "" : options.error().message();
}

TEST(JobJsonTest, DefaultsAreNoText) {
    EXPECT_EQ(options_to_json(JobOptions{}), "");
    EXPECT_EQ(options_from_json("").value(), JobOptions{});
    EXPECT_EQ(options_from_json("{}").value(), JobOptions{});
}

TEST(JobJsonTest, WritesWhatDiffers) {
    JobOptions options;
    options.priority = 1;
    options.retry.max_attempts = 3;
    options.timeout = 90s;
    options.tags = {"a"};

    EXPECT_EQ(
        options_to_json(options),
        R"({"priority":1,"retry":{"max_attempts":3},"timeout":"90s","tags":["a"]})"
    );
}

TEST(JobJsonTest, EveryOptionComesBack) {
    const JobOptions options = every_option();

    const auto back = options_from_json(options_to_json(options));

    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, options);
}

TEST(JobJsonTest, EveryModeHasItsName) {
    for (const DedupMode mode :
         {DedupMode::simple, DedupMode::throttle, DedupMode::debounce, DedupMode::keep_latest}) {
        JobOptions options;
        options.dedup = Dedup{.key = "k", .mode = mode};

        EXPECT_EQ(options_from_json(options_to_json(options)).value(), options);
    }
}

TEST(JobJsonTest, TheGroupIsNoOption) {
    JobOptions options;
    options.group = "acme";

    EXPECT_EQ(options_to_json(options), "");
    EXPECT_EQ(
        problem(R"({"group":"acme"})"), "$.group: the group of a job is not among its options"
    );
}

TEST(JobJsonTest, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(problem(R"({"priorty":1})"), "$.priorty: unknown member (did you mean priority?)");
    EXPECT_EQ(
        problem(R"({"retry":{"max_attempt":1}})"),
        "$.retry.max_attempt: unknown member (did you mean max_attempts?)"
    );
    EXPECT_EQ(problem(R"({"zzzzzz":1})"), "$.zzzzzz: unknown member");
    EXPECT_EQ(problem(R"({"timeout":90})"), "$.timeout: expected a duration like \"30s\", got 90");
    EXPECT_NE(problem("[]"), "");
    EXPECT_NE(problem("{"), "");
}

}  // namespace
}  // namespace tranter::jobs
