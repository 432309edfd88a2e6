#include "broker/test_store.hpp"

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

/// What becomes of messages whose receives are used up.
namespace tranter::broker {
namespace {

using std::chrono::seconds;

class DeadLettersTest : public testing::Test {
  protected:
    QueueHandle make(const std::string& name, const std::string& dead_letters) {
        QueueSettings settings;
        settings.dead_letter_queue = dead_letters;
        settings.engine.max_receives = dead_letters.empty() ? 0 : 1;
        return *broker.create_queue(name, settings);
    }
    void send(const QueueHandle& queue, std::string_view body) {
        const std::uint8_t id = ++last_id;
        const auto payload = engine::Payload::make({.body = body, .id = {id}});
        ASSERT_TRUE(broker.send(queue, {.payload = payload}).sent);
    }
    /// The bodies that it got so far, also those that a long poll gets later.
    std::vector<std::string>& receive(const QueueHandle& queue, bool wait = false) {
        auto& bodies = answers.emplace_back();
        std::ignore =
            broker.receive(queue, {.max_messages = 10}, wait, [&](engine::Received received) {
                for (const engine::Delivery& delivery : received.deliveries)
                    bodies.emplace_back(delivery.payload.body());
            });
        return bodies;
    }
    /// Leases of messages that nobody deletes are over.
    void pass() { clock.pass(seconds(31)); }
    std::uint64_t visible(const QueueHandle& queue) const {
        return queue->counters(clock.now()).visible;
    }

    /// All of them used up.
    void send_exhausted(const QueueHandle& queue, int messages) {
        for (int i = 0; i < messages; ++i) {
            send(queue, "x");
            receive(queue);
        }
        pass();
    }
    void run_all_due() {
        for (int i = 0; i < 1000; ++i) {
            const auto next = broker.next_event();
            if (!next || *next > clock.now()) return;
            broker.run_due();
        }
        FAIL() << "something is due for ever";
    }

    StoreClock clock;
    NullJournal journal;
    Broker broker{{}, clock, journal};
    std::uint8_t last_id = 0;
    std::list<std::vector<std::string>> answers;  // whose receivers have their addresses
};

TEST_F(DeadLettersTest, QueuesInACircleHandAMessageOnOnceForEachReceive) {
    const auto a = make("a", "b");
    const auto b = make("b", "a");
    send(a, "x");
    receive(a);
    pass();
    receive(b, true);

    receive(a, true);

    EXPECT_EQ(visible(a), 0U);
    EXPECT_EQ(visible(b), 1U);
    EXPECT_EQ(a->counters(clock.now()).dead_lettered, 1U);
    EXPECT_EQ(b->counters(clock.now()).dead_lettered, 0U);

    receive(b);

    EXPECT_EQ(visible(a), 1U);
    EXPECT_EQ(b->counters(clock.now()).dead_lettered, 1U);
}

TEST_F(DeadLettersTest, ALongChainOfPolledQueuesIsPassedStepByStep) {
    constexpr int links = 20'000;
    std::vector<QueueHandle> chain;
    for (int i = 0; i < links; ++i) {
        chain.push_back(make("q" + std::to_string(i), "q" + std::to_string(i + 1)));
        receive(chain.back(), true);
    }
    const auto last = make("q" + std::to_string(links), {});
    send(chain.front(), "x");
    pass();

    for (const QueueHandle& queue : chain)
        EXPECT_TRUE(receive(queue).empty());

    EXPECT_EQ(receive(last), std::vector<std::string>{"x"});
}

TEST_F(DeadLettersTest, WhatIsLeftInACircleHoldsNobodyUp) {
    const auto a = make("a", "b");
    const auto b = make("b", "a");
    send(a, "x");
    receive(a);
    pass();
    const auto& waiting = receive(b, true);
    receive(a);  // which takes x to b, where it stays

    send(b, "y");

    EXPECT_EQ(waiting, std::vector<std::string>{"y"});
    EXPECT_EQ(visible(a), 1U);
}

TEST_F(DeadLettersTest, OneReceiveMovesABoundedNumberAndTheOthersFollow) {
    const auto dead = make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 1000);
    send(queue, "alive");

    EXPECT_TRUE(receive(queue).empty());
    EXPECT_EQ(visible(dead), 100U);
    run_all_due();

    EXPECT_EQ(visible(dead), 1000U);
    EXPECT_EQ(receive(queue), std::vector<std::string>{"alive"});
}

TEST_F(DeadLettersTest, ALongPollGetsWhatIsBehindManyDeadLetters) {
    make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 1000);
    send(queue, "alive");
    const auto& waiting = receive(queue, true);

    run_all_due();

    EXPECT_EQ(waiting, std::vector<std::string>{"alive"});
}

TEST_F(DeadLettersTest, ManyInACircleGoRoundOnceForEachReceive) {
    const auto a = make("a", "b");
    const auto b = make("b", "a");
    send_exhausted(a, 500);
    send_exhausted(b, 500);
    receive(a, true);
    receive(b, true);

    run_all_due();

    const auto moved = [&](const QueueHandle& queue) {
        return queue->counters(clock.now()).dead_lettered;
    };
    EXPECT_GE(moved(a), 500U);
    EXPECT_GE(moved(b), 500U);
    EXPECT_LE(moved(a) + moved(b), 2000U);
    EXPECT_EQ(visible(a) + visible(b), 1000U);
}

TEST_F(DeadLettersTest, NothingIsHandedOnOnceTheQueueIsPaused) {
    const auto dead = make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 150);
    receive(queue);
    ASSERT_TRUE(broker.change_settings(queue, [](QueueSettings& settings) -> Result<> {
        settings.engine.paused = true;
        return {};
    }));

    run_all_due();

    EXPECT_EQ(visible(dead), 100U);
}

}  // namespace
}  // namespace tranter::broker
