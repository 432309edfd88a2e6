// What users may rely on when workers die, hang, stop or lose their leases.
#include "fixture.hpp"

#include <atomic>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tranter {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

using DeliveryRules = JobsTest;

/// With a clock that a test moves, and workers that die because nobody goes on with what they
/// received.
class DeliveryRulesInTime : public testing::Test {
  public:
    ~DeliveryRulesInTime() override = default;

  protected:
    static constexpr Milliseconds lease = 30s;

    TimePoint now() { return provider().virtual_time()->now(); }
    void advance(Milliseconds time) { provider().virtual_time()->advance_to(now() + time); }
    Provider& provider() { return *client_.provider(); }
    /// A worker that is never heard of again.
    std::optional<ReceivedJob> receive_and_die() {
        auto jobs = or_throw(provider().receive({.queue = "default", .lease = lease}));
        if (jobs.empty()) return std::nullopt;
        return std::move(jobs.front());
    }
    Result<> settle(const ReceivedJob& job, AttemptOutcome outcome) {
        const Settlement settlement{job.receipt, std::move(outcome)};
        return or_throw(provider().settle(job.queue, std::span(&settlement, 1))).at(0);
    }

    Client client_{"memory:", {.virtual_time = true}};
    Registry handlers_;
};

/// A handler that stops when it is asked to, and says why.
struct Listener {
    std::binary_semaphore begun{0};
    std::binary_semaphore stopped{0};
    std::atomic<StopReason> reason{};

    void operator()(Context& context) {
        if (context.attempt() > 1) return;
        begun.release();
        wait_for(context.stop_token());
        reason = context.stop_reason();
        stopped.release();
        throw std::runtime_error("interrupted");
    }
};

TEST_F(DeliveryRules, TheLibraryRenewsTheLeaseAsLongAsTheHandlerRuns) {
    handlers_.on("long", [this](Context& context) {
        // Then the first lease is over, and the one after it.
        const TimePoint enough = context.job().lease_until + 1500ms;
        while (context.attempt() == 1) {
            const JobRecord now = or_throw(client_.find(context.id()));
            const bool is_ours = now.attempt == 1 && now.lease_until;
            if (!is_ours || *now.lease_until >= enough) break;
            std::this_thread::sleep_for(10ms);
        }
        return context.attempt();
    });
    start({.lease = 1s});

    const JobHandle job = enqueue("long");

    EXPECT_EQ(job.result<int>(patience), 1);
    EXPECT_THAT(finished(job).failures, SizeIs(0));
}

TEST_F(DeliveryRulesInTime, TheOutcomeOfALeaseThatHasEndedIsRefused) {
    const auto job = or_throw(client_.enqueue(Add{}));
    const auto late = receive_and_die();
    ASSERT_TRUE(late);
    advance(lease);
    advance(lease);
    const auto other = receive_and_die();
    ASSERT_TRUE(other);

    const auto refused = settle(*late, Completed{"\"late\""});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::conflict);
    EXPECT_TRUE(settle(*other, Completed{"\"in time\""}));
    EXPECT_EQ(job.result<std::string>(0ms), "in time");
}

TEST_F(DeliveryRulesInTime, ACrashCostsAtMostTwoLeasesAndCountsAsAnAttempt) {
    const TimePoint begin = now();
    std::optional<TimePoint> ran_at;
    handlers_.on<Add>([&](Context& context) {
        ran_at = now();
        return context.attempt();
    });
    const auto job = or_throw(client_.enqueue(Add{}));
    ASSERT_TRUE(receive_and_die());

    EXPECT_EQ(Worker(client_, handlers_, {.lease = lease}).drain().completed, 1);

    ASSERT_TRUE(ran_at);
    EXPECT_LE(*ran_at - begin, 2 * lease);
    EXPECT_EQ(job.result<int>(0ms), 2);
}

TEST_F(DeliveryRulesInTime, AJobThatKillsItsWorkersEndsDead) {
    const auto job = or_throw(client_.enqueue(Add{}, {.max_attempts = 3}));
    int killed = 0;

    for (int worker = 0; worker < 10; ++worker) {
        if (receive_and_die()) ++killed;
        advance(2 * lease);
    }

    EXPECT_EQ(killed, 3);
    const JobRecord record = or_throw(job.find());
    EXPECT_EQ(record.state, JobState::dead);
    ASSERT_THAT(record.failures, SizeIs(3));
    EXPECT_EQ(record.failures.back().type, "lease_expired");
    const auto left = or_throw(provider().list({.dead_letter_queue = "default-dlq"}));
    ASSERT_THAT(left.jobs, SizeIs(1));
    EXPECT_EQ(left.jobs[0].id, job.id());
}

TEST_F(DeliveryRules, AShutdownBurnsNoAttempt) {
    Listener listener;
    handlers_.on("slow", std::ref(listener));
    start({.shutdown_timeout = 0ms});
    const JobHandle job = enqueue("slow", {.max_attempts = 1});
    listener.begun.acquire();

    worker_->stop();

    EXPECT_EQ(listener.reason, StopReason::shutdown);
    const JobRecord record = or_throw(job.find());
    EXPECT_EQ(record.state, JobState::pending);
    EXPECT_EQ(record.attempt, 0);
    Registry quick;
    quick.on("slow", [](Context& context) { return context.attempt(); });
    EXPECT_EQ(Worker(client_, quick).drain().completed, 1);
    EXPECT_EQ(job.result<int>(patience), 1);
}

TEST_F(DeliveryRules, ATimeoutStopsTheHandlerAndTheJobRunsAgain) {
    Listener listener;
    handlers_.on("slow", std::ref(listener));
    start();

    const JobRecord record = finished(enqueue("slow", {.timeout = 5ms}));

    listener.stopped.acquire();
    EXPECT_EQ(listener.reason, StopReason::timeout);
    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.attempt, 2);
    ASSERT_THAT(record.failures, SizeIs(1));
    EXPECT_EQ(record.failures[0].type, "timeout");
}

TEST_F(DeliveryRules, ACancelledHandlerIsAskedToStop) {
    Listener listener;
    handlers_.on("slow", std::ref(listener));
    start({.lease = 1s});
    const JobHandle job = enqueue("slow");
    listener.begun.acquire();

    ASSERT_TRUE(client_.cancel(job.id()));

    EXPECT_EQ(finished(job).state, JobState::cancelled);
    listener.stopped.acquire();
    EXPECT_EQ(listener.reason, StopReason::cancelled);
}

TEST_F(DeliveryRules, AHandlerWhoseLeaseIsLostIsAskedToStopAndItsOutcomeDoesNotCount) {
    Listener listener;
    std::atomic<int> attempts = 0;
    handlers_.on("slow", [&](Context& context) -> int {
        if (++attempts > 1) return 7;
        // As somebody would who takes it for dead.
        const Settlement taken{context.job().receipt, Failed{.type = "taken", .text = "away"}};
        or_throw(client_.provider()->settle(context.queue(), std::span(&taken, 1)));
        listener(context);
        return 0;
    });
    start({.lease = 1s});

    const JobRecord record = finished(enqueue("slow"));

    listener.stopped.acquire();
    EXPECT_EQ(listener.reason, StopReason::lease_lost);
    EXPECT_EQ(record.result, "7");
    ASSERT_THAT(record.failures, SizeIs(1));
    EXPECT_EQ(record.failures[0].type, "taken");
    worker_->stop();
    EXPECT_EQ(worker_->figures().counts, (WorkerCounts{.completed = 1, .lost = 1}));
}

}  // namespace
}  // namespace tranter
