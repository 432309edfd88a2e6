// register_queue_telemetry() and traces, as a program with a client and a worker sees them.
#include "fixture.hpp"

#include <tranter/telemetry.hpp>

#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

namespace tranter {
namespace {

constexpr std::string_view parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class TelemetryTest : public testing::Test {
  public:
    ~TelemetryTest() override = default;

  protected:
    void keep(std::string what, const QueueEvent& event) {
        const std::lock_guard lock(mutex_);
        seen_.push_back(std::move(what) + " " + event.queue + " " + event.job_type);
        came_.release();
    }
    std::vector<std::string> seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

    Client client_{"memory:"};
    Registry handlers_;
    std::mutex mutex_;
    std::vector<std::string> seen_;
    std::counting_semaphore<> came_{0};
};

TEST_F(TelemetryTest, TellsOfEverythingThatHappensToJobs) {
    handlers_.on("good", [](Context&) {});
    handlers_.on("bad", [](Context&) -> Outcome<> { return dead("for good"); });
    auto of_client =
        register_queue_telemetry(client_, {.on_waiting = [this](const QueueEvent& event) {
                                     keep("waiting", event);
                                 }});
    Worker worker(client_, handlers_, {.queues = {"mail"}});
    auto of_worker = register_queue_telemetry(
        worker,
        {.on_completed = [this](const QueueEvent& event) { keep("completed", event); },
         .on_failed =
             [this](const QueueEvent& event) {
                 keep("failed", event);
             }}
    );
    worker.start();

    ASSERT_TRUE(client_.enqueue({.type = "good", .options = {.queue = "mail"}}));
    ASSERT_TRUE(client_.enqueue({.type = "bad", .options = {.queue = "mail"}}));
    for (int i = 0; i < 4; ++i)
        came_.acquire();
    worker.stop();

    EXPECT_THAT(
        seen(),
        testing::UnorderedElementsAre(
            "waiting mail good", "waiting mail bad", "completed mail good", "failed mail bad"
        )
    );
    EXPECT_EQ(of_client.counts(), (QueueEventCounts{.waiting = 2}));
    EXPECT_EQ(of_worker.counts(), (QueueEventCounts{.completed = 1, .failed = 1}));
}

TEST_F(TelemetryTest, ShowsTheQueuesOfTheStoreFromTimeToTime) {
    ASSERT_TRUE(client_.enqueue({.type = "t", .options = {.queue = "mail"}}));
    std::vector<QueueStats> queues;
    std::binary_semaphore measured{0};
    Worker worker(client_, handlers_, {.queues = {"mail"}});
    auto telemetry = register_queue_telemetry(
        worker,
        {.on_metrics =
             [&](const QueueMetrics& metrics) {
                 if (!queues.empty() || metrics.queues.empty()) return;
                 queues = metrics.queues;
                 measured.release();
             },
         .metrics_interval = 1ms}
    );

    measured.acquire();
    telemetry.detach();

    ASSERT_FALSE(queues.empty());
    EXPECT_EQ(queues[0].queue, "mail");
    EXPECT_EQ(queues[0].pending, 1U);
}

TEST_F(TelemetryTest, AJobCarriesItsTraceToItsHandler) {
    std::string traceparent;
    std::string tracestate;
    handlers_.on("t", [&](Context& context) {
        traceparent = context.traceparent();
        tracestate = context.tracestate();
    });
    ASSERT_TRUE(client_.enqueue(
        {.type = "t", .options = {.traceparent = std::string(parent), .tracestate = "a=b"}}
    ));

    Worker(client_, handlers_, {.queues = {"default"}}).drain();

    EXPECT_EQ(traceparent, parent);
    EXPECT_EQ(tracestate, "a=b");
    const auto refused = client_.enqueue({.type = "t", .options = {.traceparent = "x"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace tranter
