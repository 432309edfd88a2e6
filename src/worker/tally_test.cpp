#include "worker/tally.hpp"

#include "base/log.hpp"
#include "jobs/test_provider.hpp"
#include "worker/task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class TallyTest : public testing::Test {
  public:
    ~TallyTest() override { start_logging({}); }

  protected:
    TallyTest() { start_logging({.format = LogFormat::logfmt, .level = LogLevel::debug}); }

    /// Due 3 s before it begins, and 40 ms long.
    std::shared_ptr<Task> task(ReceivedJob job = {}) {
        job.queue = "mail";
        if (job.type.empty()) job.type = "welcome";
        const TimePoint now =
            std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        job.created_at = now - 1h;
        job.due_at = now;
        auto made = std::make_shared<Task>(std::move(job), nullptr, surroundings_);
        tally_.meet(std::span(&made, 1));
        made->begun_at = made->due + 3s;
        made->ended_at = made->due + 3040ms;
        return made;
    }
    JobTypeMetrics only_type() {
        const WorkerMetrics metrics = tally_.metrics({});
        EXPECT_EQ(metrics.jobs.size(), 1U);
        return metrics.jobs.at(0);
    }
    std::string log_of(const Task& task, const AttemptOutcome& outcome) {
        testing::internal::CaptureStderr();
        tally_.add(task, outcome);
        return testing::internal::GetCapturedStderr();
    }
    static std::uint64_t failed(const JobTypeMetrics& type, FailureReason reason) {
        return type.failed.at(static_cast<std::size_t>(reason));
    }

    NoProvider provider_;
    Task::Surroundings surroundings_{provider_, [](const std::shared_ptr<Task>&) {
                                     }};
    Tally tally_;
};

TEST_F(TallyTest, MeasuresTheWaitTheRunAndTheWhole) {
    const auto job = task({.attempt = 2});

    Tally::began(*job);
    tally_.add(*job, Completed{});

    const JobTypeMetrics type = only_type();
    EXPECT_EQ(type.queue, "mail");
    EXPECT_EQ(type.type, "welcome");
    EXPECT_EQ(type.completed, 1U);
    EXPECT_NEAR(type.queue_latency.sum, 3, 1e-3) << "not from the enqueue";
    EXPECT_NEAR(type.run_duration.sum, 0.04, 1e-6);
    EXPECT_NEAR(type.total_duration.sum, 3603.04, 1e-3);
    EXPECT_EQ(type.attempts.sum, 2);
}

TEST_F(TallyTest, SaysWhyAttemptsFailed) {
    tally_.add(*task(), Failed{.type = "timeout"});
    tally_.add(*task(), Failed{.type = "handler_died"});
    tally_.add(*task(), Dead{.type = "dead"});
    ReceivedJob last{.attempt = 3};
    last.options.retry.max_attempts = 3;
    tally_.add(*task(last), Failed{.type = "signal"});

    const JobTypeMetrics type = only_type();
    EXPECT_EQ(failed(type, FailureReason::timeout), 1U);
    EXPECT_EQ(failed(type, FailureReason::crash), 2U);
    EXPECT_EQ(failed(type, FailureReason::error), 1U);
    EXPECT_EQ(type.retried, 2U);
    EXPECT_EQ(type.dead, 2U);
    EXPECT_EQ(type.total_duration.total(), 2U);
    EXPECT_EQ(tally_.counts(), (WorkerCounts{.failed = 2, .dead = 2}));
}

TEST_F(TallyTest, ALeaseThatEndsUnderAHandlerIsAStall) {
    const auto unstarted = task();
    unstarted->begun_at = Moment();

    tally_.add_lost(*task(), "gone", true);
    tally_.add_lost(*task(), "refused", false);
    tally_.add_lost(*unstarted, "gone", true);

    const JobTypeMetrics type = only_type();
    EXPECT_EQ(failed(type, FailureReason::lost_lease), 3U);
    EXPECT_EQ(type.stalled, 1U);
    EXPECT_EQ(type.run_duration.total(), 2U);
    EXPECT_EQ(tally_.counts(), WorkerCounts{.lost = 3});
}

TEST_F(TallyTest, KnownTypesStandAtZeroFromTheStart) {
    tally_.expect("mail", std::vector<std::string>{"welcome"});

    EXPECT_EQ(only_type().completed, 0U);
    const auto running = task();
    EXPECT_EQ(tally_.metrics(std::span(&running, 1)).jobs.at(0).running, 1U);
}

TEST_F(TallyTest, TheLogHasEachEndOfAnAttempt) {
    const std::string done = log_of(*task({.id = "7"}), Completed{});
    EXPECT_THAT(done, HasSubstr("level=debug msg=\"an attempt completed its job\""));
    EXPECT_THAT(
        done,
        HasSubstr("job_id=7 job_type=welcome queue=mail attempt=1 duration_ms=40 outcome=completed")
    );
    const std::string failed = log_of(
        *task(), Failed{.type = "exit", .text = "exit code 1\nBearer abcdefghijkl whsec_abcdefgh"}
    );
    EXPECT_THAT(failed, HasSubstr("level=warn"));
    EXPECT_THAT(failed, HasSubstr("error_type=exit error=\"exit code 1\\nBearer [redacted]"));
    EXPECT_THAT(failed, Not(HasSubstr("whsec_abc")));
    EXPECT_THAT(log_of(*task(), Dead{.reason = "bad address"}), HasSubstr("level=error"));
    EXPECT_THAT(log_of(*task(), Released{}), HasSubstr("level=debug"));
}

TEST_F(TallyTest, ABusyWorkerDoesNotFloodTheLog) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < 500; ++i)
        tally_.add(*task(), Failed{.type = "exit"});
    const std::string text = testing::internal::GetCapturedStderr();

    EXPECT_EQ(std::ranges::count(text, '\n'), LogOptions{}.repeats_max);
}

}  // namespace
}  // namespace tranter::worker
