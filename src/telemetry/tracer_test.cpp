#include "telemetry/tracer.hpp"

#include "jobs/test_provider.hpp"
#include "telemetry/test_collector.hpp"

#include <tranter/client.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::telemetry {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view callers_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view callers_trace = "4bf92f3577b34da6a3ce929d0e0e4736";

TimePoint wall_now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

class TracerTest : public testing::Test {
  public:
    ~TracerTest() override = default;

  protected:
    void start(Sampler sampler = {}) {
        tracing_ = std::make_shared<Tracer>(Settings{
            .url = collector_.url(), .sampler = sampler, .batch_delay = 1ms});
        client_.emplace(provider_);
        tracing_->trace(*client_);
    }

    /// Everything that was exported by the time at which nothing more comes.
    std::string exported() {
        client_.reset();
        attempts_.reset();
        tracing_.reset();
        std::string all;
        for (const std::string& body : collector_.wait_for(0))
            all += body;
        return all;
    }

    std::vector<ReceivedJob> taken() {
        return provider_->receive({.queue = "mail", .jobs_max = 10}).value();
    }

    WorkerObserver& attempts() {
        if (!attempts_) attempts_ = tracing_->observer(*provider_, "worker-1");
        return *attempts_;
    }
    /// An attempt of a job of that trace, that began so long after it was enqueued.
    ReceivedJob begin(std::uint32_t attempt, std::string_view trace, Milliseconds waited = 0ms) {
        ReceivedJob job{
            .id = "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e",
            .queue = "mail",
            .type = "welcome",
            .attempt = attempt,
            .created_at = wall_now() - waited};
        job.options.traceparent = trace;
        attempts().received(job);
        return job;
    }
    static EndedAttempt ended(
        const ReceivedJob& job, std::string_view enqueued_in, AttemptEnding ending
    ) {
        return {
            .job = job,
            .enqueued_in = enqueued_in,
            .ending = ending,
            .error_type = ending == AttemptEnding::failed ? "Oops" : "",
            .begun_at = wall_now() - 1s,
            .ended_at = wall_now()};
    }

    TestCollector collector_{};
    std::shared_ptr<TestProvider> provider_ = std::make_shared<TestProvider>();
    std::shared_ptr<Tracer> tracing_{};
    std::optional<Client> client_{};
    std::shared_ptr<WorkerObserver> attempts_{};
};

constexpr std::string_view job_id = "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e";

TEST_F(TracerTest, AnEnqueueIsASpanInWhichTheJobIs) {
    start();

    ASSERT_TRUE(client_->enqueue(
        {.type = "welcome",
         .options =
             {.queue = "mail",
              .id = std::string(job_id),
              .traceparent = std::string(callers_span),
              .tracestate = "a=b"}}
    ));

    const auto job = taken().at(0);
    EXPECT_THAT(job.options.traceparent, StartsWith("00-" + std::string(callers_trace)));
    EXPECT_NE(job.options.traceparent, callers_span);
    EXPECT_EQ(job.options.tracestate, "a=b");
    const std::string spans = exported();
    EXPECT_THAT(spans, HasSubstr(job.options.traceparent.substr(36, 16)));
    EXPECT_THAT(spans, HasSubstr(R"("parentSpanId":"00f067aa0ba902b7")"));
    EXPECT_THAT(spans, HasSubstr(R"("name":"send mail","kind":4)"));
    EXPECT_THAT(
        spans, HasSubstr(R"({"key":"messaging.system","value":{"stringValue":"tranter"}})")
    );
    EXPECT_THAT(spans, HasSubstr(job_id));
}

TEST_F(TracerTest, ManyJobsAreOneSpanThatSaysHowMany) {
    start();
    std::vector<JobRequest> requests(3, {.type = "t", .options = {.queue = "mail"}});
    requests[1].options.traceparent = callers_span;

    ASSERT_TRUE(client_->enqueue_all(std::move(requests)));

    const auto jobs = taken();
    ASSERT_EQ(jobs.size(), 3U);
    EXPECT_EQ(jobs[0].options.traceparent, jobs[2].options.traceparent);
    EXPECT_EQ(jobs[0].options.tracestate, "tranter=batch");
    EXPECT_EQ(jobs[1].options.traceparent, callers_span) << "it stays in its trace";
    const std::string spans = exported();
    EXPECT_THAT(
        spans, HasSubstr(R"({"key":"messaging.batch.message_count","value":{"intValue":"3"}})")
    );
    EXPECT_THAT(spans, HasSubstr(R"("links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736")"));
}

TEST_F(TracerTest, AnEnqueueThatFailsIsASpanThatSaysWhy) {
    start();
    provider_->break_next("enqueue", 1);

    ASSERT_FALSE(client_->enqueue({.type = "t", .options = {.queue = "mail"}}));

    const std::string spans = exported();
    EXPECT_THAT(spans, HasSubstr(R"("status":{"code":2,"message":"it is broken"})"));
    EXPECT_THAT(spans, HasSubstr(R"({"key":"error.type","value":{"stringValue":"unavailable"}})"));
}

TEST_F(TracerTest, WhatIsNotSampledIsNotExportedAndTellsTheWorker) {
    start({.ratio = 0});

    ASSERT_TRUE(client_->enqueue({.type = "t", .options = {.queue = "mail"}}));
    const std::string traceparent = taken().at(0).options.traceparent;
    const ReceivedJob job = begin(1, traceparent);
    attempts().ended(ended(job, traceparent, AttemptEnding::completed));

    EXPECT_TRUE(traceparent.ends_with("-00")) << traceparent;
    EXPECT_TRUE(job.options.traceparent.ends_with("-00"));
    EXPECT_NE(job.options.traceparent, traceparent);
    EXPECT_EQ(exported(), "");
}

TEST_F(TracerTest, AnAttemptIsAChildOfTheSpanInWhichItsJobWasEnqueued) {
    start();
    const ReceivedJob job = begin(1, callers_span);

    attempts().ended(ended(job, callers_span, AttemptEnding::completed));

    EXPECT_THAT(job.options.traceparent, StartsWith("00-" + std::string(callers_trace)));
    const std::string spans = exported();
    EXPECT_THAT(spans, HasSubstr(R"("parentSpanId":"00f067aa0ba902b7")"));
    EXPECT_THAT(spans, HasSubstr(R"("name":"process mail","kind":5)"));
    for (const char* attribute : {
             R"("messaging.operation.type","value":{"stringValue":"process"})",
             R"("messaging.client.id","value":{"stringValue":"worker-1"})",
             R"("tranter.job.type","value":{"stringValue":"welcome"})",
             R"("tranter.job.outcome","value":{"stringValue":"completed"})",
             R"("tranter.job.attempt","value":{"intValue":"1"})",
         }) {
        EXPECT_THAT(spans, HasSubstr(attribute));
    }
    EXPECT_THAT(spans, Not(HasSubstr("error.type")));
    EXPECT_THAT(spans, HasSubstr(R"("status":{})"));
}

TEST_F(TracerTest, AnAttemptLongAfterTheEnqueueIsALinkedTraceOfItsOwn) {
    start();
    const ReceivedJob job = begin(1, callers_span, std::chrono::minutes(11));

    attempts().ended(ended(job, callers_span, AttemptEnding::completed));

    EXPECT_THAT(job.options.traceparent, Not(HasSubstr(std::string(callers_trace))));
    const std::string spans = exported();
    EXPECT_THAT(spans, Not(HasSubstr("parentSpanId")));
    EXPECT_THAT(spans, HasSubstr(R"("links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736")"));
}

TEST_F(TracerTest, AnAttemptOfAJobOfManyIsALinkedTraceOfItsOwn) {
    start();
    ReceivedJob job{.id = "1", .queue = "mail", .type = "t", .created_at = wall_now()};
    job.options.traceparent = callers_span;
    job.options.tracestate = "tranter=batch,a=b";
    attempts().received(job);

    EXPECT_THAT(job.options.traceparent, Not(HasSubstr(std::string(callers_trace))));
    EXPECT_EQ(job.options.tracestate, "");
}

TEST_F(TracerTest, ALaterAttemptNamesTheFirst) {
    start();
    const ReceivedJob first = begin(1, {});
    attempts().ended(ended(first, {}, AttemptEnding::failed));
    const ReceivedJob second = begin(2, {});
    attempts().ended(ended(second, {}, AttemptEnding::completed));

    const std::string spans = exported();

    EXPECT_THAT(spans, HasSubstr(R"({"key":"error.type","value":{"stringValue":"Oops"}})"));
    const std::string link = R"("links":[{"traceId":")" + first.options.traceparent.substr(3, 32) +
                             R"(","spanId":")" + first.options.traceparent.substr(36, 16);
    EXPECT_THAT(spans, HasSubstr(link));
}

TEST_F(TracerTest, AJobThatNeverBeganIsNoSpan) {
    start();
    const ReceivedJob job = begin(1, callers_span);
    EndedAttempt attempt = ended(job, callers_span, AttemptEnding::released);
    attempt.begun_at.reset();

    attempts().ended(attempt);

    EXPECT_EQ(exported(), "");
}

TEST_F(TracerTest, AnAttemptWhoseBeginningWasNotSeenIsNoSpan) {
    start();
    ReceivedJob job{.id = "1", .queue = "mail", .type = "t", .created_at = wall_now()};
    job.options.traceparent = callers_span;
    EndedAttempt attempt = ended(job, {}, AttemptEnding::completed);
    attempt.was_received = false;

    attempts().ended(attempt);

    EXPECT_EQ(exported(), "");
}

TEST(FirstAttemptsTest, ForgetsTheOldest) {
    FirstAttempts attempts;
    for (int i = 0; i <= 10'000; ++i)
        attempts.keep(std::to_string(i), {.sampled = true});

    EXPECT_FALSE(attempts.find("0"));
    EXPECT_TRUE(attempts.find("1"));
    attempts.forget("1");
    EXPECT_FALSE(attempts.find("1"));
}

}  // namespace
}  // namespace tranter::telemetry
