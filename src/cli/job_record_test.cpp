#include "cli/job_record.hpp"

#include "jobs/wire_json.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint now{1'000'000s};

JobRecord small_job() {
    return {
        .id = "i",
        .queue = "mail",
        .type = "email.welcome",
        .payload = R"({"n":18446744073709551616})",
        .created_at = now - 90s,
    };
}

JobRecord full_job() {
    JobRecord job = small_job();
    job.state = JobState::dead;
    job.attempt = 2;
    job.options.group = "acme";
    job.options.tags = {"a", "k=v"};
    job.options.timeout = 90s;
    job.options.dedup = Dedup{.key = "k", .mode = DedupMode::throttle, .ttl = 5s};
    job.run_at = now - 1s;
    job.started_at = now;
    job.finished_at = now + 1ms;
    job.cancel_requested = true;
    job.worker = "w";
    job.progress = "0.5";
    job.result = R"({"ok":1.0})";
    job.reason = "no more attempts";
    job.failures = {{.attempt = 2, .at = now, .type = "timeout", .text = "after 1s"}};
    return job;
}

TEST(JobRecordTest, IsWhatTheJobsApiWrites) {
    for (const JobRecord& job : {small_job(), full_job()}) {
        EXPECT_EQ(job_record(job, {}).dump(), jobs::write_job_record(job));
    }
}

TEST(JobRecordTest, TellsTimesByTheirDistanceWhenAskedTo) {
    const TimeStyle relative{.relative = true, .now = now};

    EXPECT_EQ(time_cell(now - 119s, relative), "119s ago");
    EXPECT_EQ(time_cell(now - 2min, relative), "2m ago");
    EXPECT_EQ(time_cell(now + 5h, relative), "in 5h");
    EXPECT_EQ(time_cell(now + 49h, relative), "in 2d");
    EXPECT_EQ(time_cell(now, {}), "1970-01-12T13:46:40Z");
}

TEST(JobRecordTest, RowsSayWhyAJobFailed) {
    JobRecord job = small_job();
    job.failures = {{.attempt = 1, .at = now, .type = "std::runtime_error", .text = "no\nnet"}};
    const Json failed = job_row(job, {});
    EXPECT_EQ(failed["error"].text(), "std::runtime_error: no\nnet");

    job.reason = "locale is missing";
    const Json dead = job_row(job, {});
    EXPECT_EQ(dead["error"].text(), "locale is missing");
}

}  // namespace
}  // namespace tranter::cli
