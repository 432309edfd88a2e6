#include "broker/test_store.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/// What becomes of messages whose receives are used up.
namespace tranter::broker {
namespace {

using std::chrono::seconds;

class FillingJournal final : public Journal {
  public:
    Position append(const Record& record) override { return memory_.append(record); }
    Position end() const override { return memory_.end(); }
    void when_durable(Position at, Done done) override {
        memory_.when_durable(at, std::move(done));
    }
    bool is_durable(Position at) const override { return memory_.is_durable(at); }
    void when_written(Position at, Done done) override {
        memory_.when_written(at, std::move(done));
    }
    bool is_written(Position at) const override { return memory_.is_written(at); }
    Accepts accepts() const override { return full ? Accepts::nothing : Accepts::everything; }
    std::string trouble() const override { return {}; }

    bool full = false;

  private:
    NullJournal memory_;
};

class DeadLettersTest : public testing::Test {
  protected:
    QueueHandle make(const std::string& name, const std::string& dead_letters) {
        QueueSettings settings;
        if (name.ends_with(".fifo")) settings.engine.groups.order = engine::Order::fifo;
        settings.dead_letter_queue = dead_letters;
        settings.engine.max_receives = dead_letters.empty() ? 0 : 1;
        return *broker.create_queue(name, settings);
    }
    void send(const QueueHandle& queue, std::string_view body, engine::SendOptions options = {}) {
        const std::uint8_t id = ++last_id;
        const auto payload = engine::Payload::make({.body = body, .id = {id}});
        ASSERT_TRUE(broker.send(queue, {.payload = payload, .options = options}).sent);
    }
    void use_up_group(const QueueHandle& queue, std::string_view group, std::uint32_t messages) {
        for (std::uint32_t i = 0; i < messages; ++i)
            send(queue, "x", {.group = group});
        const auto drop = [](const engine::Received&) {
        };
        std::ignore = broker.receive(queue, {.max_messages = messages}, false, drop);
    }
    /// The bodies that it got so far, also those that a long poll gets later.
    std::vector<std::string>& receive(const QueueHandle& queue, bool wait = false) {
        auto& bodies = answers.emplace_back();
        std::ignore =
            broker.receive(queue, {.max_messages = 10}, wait, [&](engine::Received received) {
                unavailable += received.unavailable ? 1 : 0;
                for (const engine::Delivery& delivery : received.deliveries)
                    bodies.emplace_back(delivery.payload.body());
            });
        return bodies;
    }
    /// From now on run_all_due() is the thread that lets time pass.
    void begin_thread() {
        broker.on_earlier_event([] {});
    }
    /// Leases of messages that nobody deletes are over.
    void pass() { clock.pass(seconds(31)); }
    std::uint64_t visible(const QueueHandle& queue) const {
        return queue->counters(clock.now()).visible;
    }

    /// All of them have no receives left when their lease is over.
    void use_up(const QueueHandle& queue, int messages) {
        for (int i = 0; i < messages; ++i) {
            send(queue, "x");
            receive(queue);
        }
    }
    void send_exhausted(const QueueHandle& queue, int messages) {
        use_up(queue, messages);
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
    FillingJournal journal;
    Broker broker{{}, clock, journal};
    std::uint8_t last_id = 0;
    int unavailable = 0;                          // answers that said so
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
    begin_thread();

    receive(queue);
    EXPECT_EQ(visible(dead), 100U);
    run_all_due();

    EXPECT_EQ(visible(dead), 1000U);
}

TEST_F(DeadLettersTest, AReceiveWithoutWaitGetsWhatIsBehindManyDeadLetters) {
    make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 1000);
    send(queue, "alive");
    begin_thread();
    const auto& answer = receive(queue);
    EXPECT_EQ(broker.waiting(), 1U);

    run_all_due();

    EXPECT_EQ(answer, std::vector<std::string>{"alive"});
    EXPECT_EQ(broker.waiting(), 0U);
}

TEST_F(DeadLettersTest, AReceiveWithoutWaitIsAnsweredOnceNothingIsLeftToHandOn) {
    make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 250);
    begin_thread();
    const auto& answer = receive(queue);
    receive(queue, true);
    const std::uint64_t before = queue->counters(clock.now()).empty_receives;

    run_all_due();
    send(queue, "later");

    EXPECT_TRUE(answer.empty());
    EXPECT_EQ(answers.back(), std::vector<std::string>{"later"});
    EXPECT_EQ(queue->counters(clock.now()).empty_receives, before + 1);
}

TEST_F(DeadLettersTest, WhereTimeIsMovedByHandAReceiveHandsAllOfThemOn) {
    const auto dead = make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 1000);
    send(queue, "alive");

    EXPECT_EQ(receive(queue), std::vector<std::string>{"alive"});

    EXPECT_EQ(visible(dead), 1000U);
}

TEST_F(DeadLettersTest, AReceiveIsToldWhenTheRestCannotBeHandedOn) {
    make("dead", {});
    const auto queue = make("q", "dead");
    send_exhausted(queue, 250);
    begin_thread();
    receive(queue);

    journal.full = true;
    run_all_due();

    EXPECT_EQ(unavailable, 1);
    EXPECT_EQ(broker.waiting(), 0U);
}

TEST_F(DeadLettersTest, OnlyLongPollsFillTheLine) {
    BrokerOptions options;
    options.waiters_per_queue = 0;
    Broker small(options, clock, journal);
    small.on_earlier_event([] {});
    QueueSettings settings{.dead_letter_queue = "dead"};
    settings.engine.max_receives = 1;
    std::ignore = *small.create_queue("dead", {});
    const auto queue = *small.create_queue("q", settings);
    for (int i = 0; i < 150; ++i)
        ASSERT_TRUE(small.send(queue, {.payload = engine::Payload::make({.body = "x"})}).sent);
    const auto ignore = [](const engine::Received&) {
    };
    std::ignore = small.receive(queue, {.max_messages = 150}, false, ignore);
    pass();
    std::optional<engine::Received> answer;

    std::ignore = small.receive(queue, {}, false, [&](engine::Received received) {
        answer = std::move(received);
    });
    EXPECT_FALSE(answer);
    small.run_due();

    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->over_limit);
}

TEST_F(DeadLettersTest, EveryLongPollGetsWhatIsBetweenManyDeadLetters) {
    make("dead", {});
    const auto queue = make("q", "dead");
    use_up(queue, 250);
    send(queue, "first", {.delay = seconds(31)});
    clock.pass(seconds(2));
    use_up(queue, 60);
    send(queue, "second", {.delay = seconds(31)});
    begin_thread();
    const auto& first = receive(queue, true);
    const auto& second = receive(queue, true);

    pass();
    pass();
    run_all_due();

    EXPECT_EQ(first, std::vector<std::string>{"first"});
    EXPECT_EQ(second, std::vector<std::string>{"second"});
}

TEST_F(DeadLettersTest, WhereOneLongPollGotSomethingTheNextOneIsLookedFor) {
    make("dead", {});
    const auto queue = make("q", "dead");
    const auto source = make("source", "q");
    const engine::Traits first_of_all{.priority = 0};
    send(source, "x", {.traits = &first_of_all});
    receive(source);
    use_up(queue, 250);
    send(queue, "first", {.delay = seconds(31)});
    clock.pass(seconds(2));
    use_up(queue, 150);
    send(queue, "second", {.delay = seconds(31)});
    pass();
    pass();
    begin_thread();
    const auto& first = receive(queue, true);
    const auto& second = receive(queue, true);
    // It came after both began to wait, and hides that there is something behind it.
    receive(source);
    ASSERT_EQ(visible(queue), 203U);

    run_all_due();

    EXPECT_EQ(first, std::vector<std::string>{"first"});
    EXPECT_EQ(second, std::vector<std::string>{"second"});
}

TEST_F(DeadLettersTest, AGroupIsServedThoughOthersGetManyDeadLettersMeanwhile) {
    make("dead.fifo", {});
    const auto queue = make("q.fifo", "dead.fifo");
    const auto source = make("source.fifo", "q.fifo");
    use_up_group(queue, "slow", 150);
    send(queue, "alive", {.group = "slow"});
    use_up_group(source, "busy", 150);
    clock.pass(seconds(1));
    use_up_group(queue, "busy", 1);
    pass();
    begin_thread();
    const auto& waiting = receive(queue, true);
    receive(source);
    receive(source);
    ASSERT_EQ(visible(queue), 50U + 1U + 1U + 150U);

    run_all_due();

    EXPECT_EQ(waiting, std::vector<std::string>{"alive"});
}

TEST_F(DeadLettersTest, WhatTimeBringsWhileTheyAreHandedOnIsFound) {
    make("dead", {});
    const auto queue = make("q", "dead");
    const auto source = make("source", "q");
    send(queue, "alive", {.delay = seconds(32)});
    use_up(queue, 150);
    use_up(source, 150);
    pass();
    begin_thread();
    const auto& waiting = receive(queue, true);
    // These stay in the queue until somebody receives there, and go before the one with a delay.
    receive(source);
    receive(source);
    ASSERT_EQ(visible(queue), 200U);

    clock.pass(seconds(1));
    run_all_due();

    EXPECT_EQ(waiting, std::vector<std::string>{"alive"});
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
    begin_thread();
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
