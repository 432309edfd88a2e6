#include "jobs/test_provider.hpp"

#include <tranter/client.hpp>
#include <tranter/telemetry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

constexpr Milliseconds no_metrics = 0ms;

TimePoint moment() {
    return TimePoint(std::chrono::hours(1000));
}

class QueueTelemetryTest : public testing::Test {
  public:
    ~QueueTelemetryTest() override = default;

  protected:
    /// What register_queue_telemetry(Worker&) attaches to the worker.
    void attach(QueueTelemetryOptions options) {
        if (!options.metrics_interval) options.metrics_interval = no_metrics;
        auto state = detail::make_queue_telemetry(provider_, std::move(options));
        observer_ = detail::observer_of(state);
        telemetry_.emplace(std::move(state), nullptr);
    }
    void end(AttemptEnding ending) {
        const ReceivedJob job{
            .id = "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e",
            .queue = "mail",
            .type = "welcome",
            .attempt = 2};
        observer_->ended(
            {.job = job,
             .enqueued_in = "",
             .ending = ending,
             .error_type = "Oops",
             .error = "no mailbox",
             .begun_at = moment(),
             .ended_at = moment() + 250ms}
        );
    }

    std::shared_ptr<TestProvider> provider_ = std::make_shared<TestProvider>();
    std::shared_ptr<WorkerObserver> observer_{};
    std::optional<QueueTelemetry> telemetry_{};
    std::vector<QueueEvent> events_{};
    QueueTelemetryOptions::OnEvent keep_ = [this](const QueueEvent& event) {
        events_.push_back(event);
    };
};

TEST_F(QueueTelemetryTest, TellsHowAttemptsEnd) {
    attach({.on_completed = keep_, .on_failed = keep_, .on_stalled = keep_});

    for (const auto ending :
         {AttemptEnding::completed,
          AttemptEnding::failed,
          AttemptEnding::dead,
          AttemptEnding::lost,
          AttemptEnding::released,
          AttemptEnding::snoozed,
          AttemptEnding::cancelled})
        end(ending);

    ASSERT_THAT(events_, SizeIs(4));
    EXPECT_EQ(events_[0].kind, QueueEvent::Kind::completed);
    EXPECT_EQ(events_[0].queue, "mail");
    EXPECT_EQ(events_[0].job_id, "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e");
    EXPECT_EQ(events_[0].job_type, "welcome");
    EXPECT_EQ(events_[0].attempt, 2U);
    EXPECT_EQ(events_[0].duration, 250ms);
    EXPECT_EQ(events_[1].kind, QueueEvent::Kind::failed);
    EXPECT_FALSE(events_[1].is_dead);
    EXPECT_EQ(events_[1].error_type, "Oops");
    EXPECT_EQ(events_[1].error, "no mailbox");
    EXPECT_TRUE(events_[2].is_dead);
    EXPECT_EQ(events_[3].kind, QueueEvent::Kind::stalled);
    EXPECT_EQ(telemetry_->counts(), (QueueEventCounts{.completed = 1, .failed = 2, .stalled = 1}));
}

TEST_F(QueueTelemetryTest, TellsOfFailingCalls) {
    attach({.on_error = keep_});

    observer_->store_failed("receive", Error(Errc::unavailable, "connection refused"));

    ASSERT_THAT(events_, SizeIs(1));
    EXPECT_EQ(events_[0].error_type, "unavailable");
    EXPECT_EQ(events_[0].error, "receive: connection refused");
}

TEST_F(QueueTelemetryTest, TellsOfJobsThatWaitAndOfEnqueuesThatFail) {
    Client client(provider_);
    auto telemetry = register_queue_telemetry(
        client, {.on_waiting = keep_, .on_error = keep_, .metrics_interval = no_metrics}
    );

    ASSERT_TRUE(client.enqueue({.type = "welcome", .options = {.queue = "mail"}}));
    provider_->break_next("enqueue", 1);
    ASSERT_FALSE(client.enqueue({.type = "welcome", .options = {.queue = "mail"}}));

    ASSERT_THAT(events_, SizeIs(2));
    EXPECT_EQ(events_[0].kind, QueueEvent::Kind::waiting);
    EXPECT_EQ(events_[0].queue, "mail");
    EXPECT_EQ(events_[0].job_type, "welcome");
    EXPECT_EQ(events_[1].kind, QueueEvent::Kind::error);
    EXPECT_EQ(events_[1].error, "it is broken");

    telemetry.detach();
    ASSERT_TRUE(client.enqueue({.type = "welcome", .options = {.queue = "mail"}}));
    EXPECT_THAT(events_, SizeIs(2));
    EXPECT_EQ(telemetry.counts(), QueueEventCounts());
}

TEST_F(QueueTelemetryTest, GoesOnWhenAHandlerThrows) {
    attach({.on_completed = [this](const QueueEvent& event) {
        events_.push_back(event);
        throw std::runtime_error("mine");
    }});

    EXPECT_NO_THROW(end(AttemptEnding::completed));
    EXPECT_NO_THROW(end(AttemptEnding::completed));
    EXPECT_THAT(events_, SizeIs(2));
}

TEST_F(QueueTelemetryTest, LogsWhatNobodyHandles) {
    attach({});

    for (const auto ending : {AttemptEnding::completed, AttemptEnding::failed, AttemptEnding::lost})
        EXPECT_NO_THROW(end(ending));
    EXPECT_EQ(telemetry_->counts().completed, 1U);
}

TEST_F(QueueTelemetryTest, IsOverOnceItIsDetached) {
    std::latch begun(1);
    std::latch may_end(1);
    std::atomic<bool> has_ended = false;
    attach({.on_completed = [&](const QueueEvent&) {
        begun.count_down();
        may_end.wait();
        has_ended = true;
    }});
    std::jthread worker([&] { end(AttemptEnding::completed); });
    begun.wait();
    std::jthread opener([&] { may_end.count_down(); });

    telemetry_.reset();

    EXPECT_TRUE(has_ended);
}

TEST_F(QueueTelemetryTest, MayBeEndedByItsOwnHandler) {
    attach({.on_completed = [this](const QueueEvent& event) {
        events_.push_back(event);
        telemetry_->detach();
    }});

    end(AttemptEnding::completed);
    end(AttemptEnding::completed);

    EXPECT_THAT(events_, SizeIs(1));
}

TEST_F(QueueTelemetryTest, MeasuresQueuesFromTimeToTime) {
    std::counting_semaphore<> came(0);
    std::vector<std::string> errors;
    attach(
        {.on_metrics =
             [&](const QueueMetrics& metrics) {
                 if (errors.size() < 2) errors.push_back(metrics.error);
                 came.release();
             },
         .metrics_interval = 1ms}
    );

    came.acquire();
    came.acquire();
    telemetry_.reset();

    EXPECT_THAT(errors, SizeIs(2));
}

TEST_F(QueueTelemetryTest, MetricsMayEndTheRegistration) {
    std::binary_semaphore ended(0);
    std::latch is_registered(1);
    attach(
        {.on_metrics =
             [&](const QueueMetrics&) {
                 is_registered.wait();
                 telemetry_.reset();
                 ended.release();
             },
         .metrics_interval = 1ms}
    );

    is_registered.count_down();
    ended.acquire();

    EXPECT_FALSE(telemetry_.has_value());
}

}  // namespace
}  // namespace tranter
