#include "cli/job_flags.hpp"

#include "cli/job_commands.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

Arguments given(std::map<std::string, std::vector<std::string>, std::less<>> values) {
    return Arguments(std::move(values));
}

std::string refusal(std::map<std::string, std::vector<std::string>, std::less<>> values) {
    const auto job = read_job_flags(given(std::move(values)));
    if (job) return "accepted";
    EXPECT_EQ(job.error().code(), Errc::invalid_argument);
    return job.error().message();
}

TEST(JobFlagsTest, LeaveTheDefaultsWhenNothingIsGiven) {
    const auto job = read_job_flags(given({})).value();

    EXPECT_EQ(job.options, JobOptions{});
    EXPECT_EQ(job.id, "");
    EXPECT_EQ(job.delay, 0ms);
    EXPECT_FALSE(job.run_at.has_value());
}

TEST(JobFlagsTest, SetEveryOption) {
    const auto job = read_job_flags(given({
                                        {"id", {"7b0c4b1e-0000-4000-8000-000000000001"}},
                                        {"delay", {"1500ms"}},
                                        {"priority", {"0"}},
                                        {"group", {"acme"}},
                                        {"tag", {"a", "k=v"}},
                                        {"timeout", {"10m"}},
                                        {"ttl", {"1d"}},
                                        {"deadline", {"2027-01-31T08:00:00.5+01:00"}},
                                        {"max-attempts", {"3"}},
                                        {"backoff-base", {"1s"}},
                                        {"backoff-factor", {"1.5"}},
                                        {"backoff-max", {"1m"}},
                                        {"backoff-jitter", {"0"}},
                                        {"dedup", {"k"}},
                                        {"dedup-mode", {"keep_latest"}},
                                        {"dedup-ttl", {"5s"}},
                                        {"runs", {"10"}},
                                        {"max-parallel-runs", {"2"}},
                                        {"success", {"at_least(7)"}},
                                    }))
                         .value();

    EXPECT_EQ(job.id, "7b0c4b1e-0000-4000-8000-000000000001");
    EXPECT_EQ(job.delay, 1500ms);
    const TimePoint deadline(std::chrono::sys_days(std::chrono::year(2027) / 1 / 31) + 7h + 500ms);
    const JobOptions expected{
        .priority = 0,
        .group = "acme",
        .retry = {.max_attempts = 3, .base = 1s, .factor = 1.5, .max = 1min, .jitter = 0},
        .timeout = 10min,
        .ttl = 24h,
        .deadline = deadline,
        .tags = {"a", "k=v"},
        .dedup = Dedup{.key = "k", .mode = DedupMode::keep_latest, .ttl = 5s},
        .runs = 10,
        .max_parallel_runs = 2,
        .success = SuccessPolicy::at_least(7),
    };
    EXPECT_EQ(job.options, expected);
}

TEST(JobFlagsTest, ReadAMomentToRunAt) {
    const auto job = read_job_flags(given({{"run-at", {"1970-01-01T00:00:01Z"}}})).value();

    EXPECT_EQ(job.run_at, TimePoint(1s));
}

TEST(JobFlagsTest, SayWhichFlagIsWrong) {
    EXPECT_EQ(
        refusal({{"success", {"most"}}}),
        "--success is \"most\", expected all, any or at_least(K) with 1 to 1000 runs"
    );
    EXPECT_EQ(
        refusal({{"priority", {"10"}}}), "--priority is '10', expected a whole number, 0 to 9"
    );
    EXPECT_EQ(refusal({{"delay", {"1us"}}}), "--delay is '1us', expected whole milliseconds");
    EXPECT_TRUE(refusal({{"delay", {"5"}}}).starts_with("--delay: "));
    EXPECT_TRUE(refusal({{"run-at", {"tomorrow"}}}).starts_with("--run-at: "));
    EXPECT_EQ(refusal({{"backoff-factor", {"2x"}}}), "--backoff-factor is '2x', expected a number");
    EXPECT_EQ(
        refusal({{"delay", {"1s"}}, {"run-at", {"1970-01-01T00:00:01Z"}}}),
        "--delay and --run-at are both given, expected one"
    );
    EXPECT_EQ(refusal({{"dedup-ttl", {"1s"}}}), "--dedup-ttl is given without --dedup KEY");
}

TEST(JobFilterTest, IsMadeOfWhatIsGiven) {
    EXPECT_EQ(job_filter(given({})), "");
    EXPECT_EQ(
        job_filter(given({
            {"filter", {"args.user_id:42"}},
            {"queue", {"mail"}},
            {"type", {"user:create"}},
            {"state", {"dead", "failed"}},
            {"tag", {"a b", "c"}},
            {"since", {"10m"}},
        })),
        "args.user_id:42 queue:mail type:user:create tag:\"a b\" tag:c state:dead,failed age<10m"
    );
    EXPECT_EQ(job_filter(given({{"group", {"a\"\\"}}})), R"(group:"a\"\\")");
}

}  // namespace
}  // namespace tranter::cli
