#include "broker/broker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::seconds;

class ManualClock final : public Clock {
  public:
    Instant now() const override { return Instant(Duration(micros_.load())); }
    void pass(Duration duration) { micros_ += duration.count(); }

  private:
    std::atomic<std::int64_t> micros_{1'000'000'000'000};
};

engine::Payload payload(std::string_view body, std::uint8_t id = 1) {
    return engine::Payload::make({.body = body, .id = {id}});
}

/// What one receive() was answered with; empty while it waits.
struct Answer {
    std::optional<engine::Received> received{};
    Broker::Receiver receiver() {
        return [this](engine::Received answer) {
            received = std::move(answer);
        };
    }
    std::string body() const { return std::string(received->deliveries.at(0).payload.body()); }
    bool empty() const { return received && received->deliveries.empty(); }
};

class BrokerTest : public testing::Test {
  protected:
    QueueHandle make(std::string_view name, QueueSettings settings = {}) {
        return *broker.create_queue(name, std::move(settings));
    }
    void send(const QueueHandle& queue, std::string_view body) {
        const auto result = broker.send(queue, {.payload = payload(body)});
        ASSERT_TRUE(result.sent);
    }
    Answer receive(const QueueHandle& queue, std::uint32_t max = 1) {
        Answer answer;
        std::ignore = broker.receive(queue, {.max_messages = max}, false, answer.receiver());
        return answer;
    }

    ManualClock clock;
    NullJournal journal;
    Broker broker{{}, clock, journal};
};

TEST_F(BrokerTest, AnswersAReceiveAtOnceWhenAMessageIsThere) {
    const auto queue = make("q");
    send(queue, "hello");
    Answer answer;

    const auto wait = broker.receive(queue, {}, true, answer.receiver());

    EXPECT_EQ(wait, 0U);
    EXPECT_EQ(answer.body(), "hello");
}

TEST_F(BrokerTest, ServesLongPollsInOrderOfArrivalOneForEachMessage) {
    const auto queue = make("q");
    Answer first;
    Answer second;
    Answer third;
    for (Answer* answer : {&first, &second, &third}) {
        EXPECT_NE(broker.receive(queue, {.max_messages = 10}, true, answer->receiver()), 0U);
    }
    EXPECT_EQ(broker.waiting(), 3U);

    send(queue, "one");
    send(queue, "two");

    EXPECT_EQ(first.body(), "one");
    EXPECT_EQ(second.body(), "two");
    EXPECT_FALSE(third.received);
    EXPECT_EQ(broker.waiting(), 1U);
}

TEST_F(BrokerTest, ACancelledWaitIsAnsweredEmptyAndGetsNoMessage) {
    const auto queue = make("q");
    Answer cancelled;
    Answer next;
    const auto id = broker.receive(queue, {}, true, cancelled.receiver());
    std::ignore = broker.receive(queue, {}, true, next.receiver());

    broker.cancel_wait(queue, id);
    send(queue, "hello");

    EXPECT_TRUE(cancelled.empty());
    EXPECT_EQ(next.body(), "hello");
}

TEST_F(BrokerTest, ATakenBackDeliveryGoesToTheNextLongPollAndDoesNotCount) {
    const auto queue = make("q");
    send(queue, "hello");
    const Answer lost = receive(queue);
    Answer waiting;
    std::ignore = broker.receive(queue, {}, true, waiting.receiver());

    broker.take_back(queue, {lost.received->deliveries[0].receipt});

    EXPECT_EQ(waiting.body(), "hello");
    EXPECT_EQ(waiting.received->deliveries[0].receive_count, 1U);
}

TEST_F(BrokerTest, TakenBackMessagesKeepTheirOrder) {
    const auto queue = make("q");
    for (const char* body : {"a", "b", "c"})
        send(queue, body);
    const Answer lost = receive(queue, 2);

    broker.take_back(
        queue, {lost.received->deliveries[0].receipt, lost.received->deliveries[1].receipt}
    );

    EXPECT_EQ(receive(queue).body(), "a");
    EXPECT_EQ(receive(queue).body(), "b");
    EXPECT_EQ(receive(queue).body(), "c");
}

TEST_F(BrokerTest, ServesALongPollWhenADelayEnds) {
    const auto queue = make("q", {.engine = {.delay = seconds(5)}});
    send(queue, "later");
    Answer answer;
    std::ignore = broker.receive(queue, {}, true, answer.receiver());

    EXPECT_LE(broker.next_event(), clock.now() + seconds(5));
    clock.pass(seconds(5) - Duration(1));
    broker.run_due();
    EXPECT_FALSE(answer.received);

    clock.pass(Duration(1));
    broker.run_due();
    EXPECT_EQ(answer.body(), "later");
}

TEST_F(BrokerTest, TellsWhenItsNextEventMovesForward) {
    const Duration delay = std::chrono::milliseconds(100);
    const auto queue = make("q", {.engine = {.delay = delay}});
    int calls = 0;
    broker.on_earlier_event([&] { ++calls; });
    send(queue, "soon");
    const int before = calls;
    Answer answer;

    std::ignore = broker.receive(queue, {}, true, answer.receiver());

    EXPECT_GT(calls, before);
    EXPECT_LE(broker.next_event(), clock.now() + delay);
}

TEST_F(BrokerTest, MovesAnExhaustedMessageToItsDeadLetterQueue) {
    const auto dead = make("dead");
    const auto queue = make("q", {.engine = {.max_receives = 1}, .dead_letter_queue = "dead"});
    send(queue, "poison");
    std::ignore = receive(queue);
    clock.pass(seconds(31));

    EXPECT_TRUE(receive(queue).empty());

    const Answer answer = receive(dead);
    EXPECT_EQ(answer.body(), "poison");
    EXPECT_EQ(answer.received->deliveries[0].receive_count, 2U);
    EXPECT_EQ(answer.received->deliveries[0].source_queue, queue->id());
    EXPECT_EQ(queue->counters(clock.now()).visible, 0U);
}

TEST_F(BrokerTest, ADeadLetterWakesALongPollOfItsNewQueue) {
    const auto dead = make("dead");
    const auto queue = make("q", {.engine = {.max_receives = 1}, .dead_letter_queue = "dead"});
    send(queue, "poison");
    std::ignore = receive(queue);
    Answer answer;
    std::ignore = broker.receive(dead, {}, true, answer.receiver());
    clock.pass(seconds(31));

    std::ignore = receive(queue);

    EXPECT_EQ(answer.body(), "poison");
}

TEST_F(BrokerTest, KeepsDeliveringWhileTheDeadLetterQueueIsMissing) {
    const auto dead = make("dead");
    const auto queue = make("q", {.engine = {.max_receives = 1}, .dead_letter_queue = "dead"});
    send(queue, "poison");
    std::ignore = receive(queue);
    EXPECT_TRUE(broker.delete_queue(dead));
    clock.pass(seconds(31));

    EXPECT_EQ(receive(queue).received->deliveries.at(0).receive_count, 2U);
}

TEST_F(BrokerTest, DeletingAQueueEndsItsLongPollsAndItsName) {
    const auto queue = make("q");
    Answer answer;
    std::ignore = broker.receive(queue, {}, true, answer.receiver());

    EXPECT_TRUE(broker.delete_queue(queue));

    EXPECT_TRUE(answer.empty());
    EXPECT_EQ(broker.find_queue("q"), nullptr);
    EXPECT_EQ(broker.delete_queue(queue).error().code(), Errc::not_found);
    const auto sent = broker.send(queue, {.payload = payload("x")}).sent;
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), Errc::not_found);
}

TEST_F(BrokerTest, CoolDownsRefuseNewNamesAndPurges) {
    Broker cool({.delete_cooldown = seconds(60), .purge_cooldown = seconds(60)}, clock, journal);
    const auto queue = *cool.create_queue("q", {});

    EXPECT_TRUE(cool.purge(queue));
    EXPECT_EQ(cool.purge(queue).error().code(), Errc::conflict);
    EXPECT_TRUE(cool.delete_queue(queue));
    EXPECT_EQ(cool.create_queue("q", {}).error().code(), Errc::conflict);

    clock.pass(seconds(60));
    EXPECT_TRUE(cool.create_queue("q", {}));
}

TEST_F(BrokerTest, ListsByPrefixFromAPosition) {
    for (const char* name : {"b-2", "a-1", "b-1", "b-3", "c"})
        make(name);

    const auto page = broker.list_queues("b-", "b-1", 10);

    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(page[0]->name(), "b-2");
    EXPECT_EQ(page[1]->name(), "b-3");
    EXPECT_EQ(broker.list_queues("", "", 2).size(), 2U);
}

TEST_F(BrokerTest, AFailedChangeOfSettingsChangesNothing) {
    const auto queue = make("q");

    const auto result = broker.change_settings(queue, [](QueueSettings& settings) -> Result<void> {
        settings.engine.delay = seconds(9);
        return fail(Errc::invalid_argument, "no");
    });

    EXPECT_FALSE(result);
    EXPECT_EQ(queue->settings()->engine.delay, Duration::zero());
}

TEST_F(BrokerTest, AMoveTaskReturnsDeadLettersToTheirSourcesAsNewMessages) {
    const auto dead = make("dead");
    const QueueSettings redriven{.engine = {.max_receives = 1}, .dead_letter_queue = "dead"};
    const auto one = make("one", redriven);
    const auto two = make("two", redriven);
    for (const auto& queue : {one, two}) {
        send(queue, queue->name());
        std::ignore = receive(queue);
    }
    clock.pass(seconds(31));
    for (const auto& queue : {one, two})
        std::ignore = receive(queue);
    ASSERT_EQ(dead->counters(clock.now()).visible, 2U);

    const auto task = broker.start_move_task(dead, "", 0);
    ASSERT_TRUE(task);
    broker.run_due();

    const Answer answer = receive(one);
    EXPECT_EQ(answer.body(), "one");
    EXPECT_EQ(answer.received->deliveries[0].receive_count, 1U);
    EXPECT_EQ(answer.received->deliveries[0].sent_at, clock.now());
    EXPECT_NE(answer.received->deliveries[0].payload.id(), engine::MessageId{1});
    EXPECT_EQ(receive(two).body(), "two");
    const auto tasks = broker.list_move_tasks("dead", 10);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].status, MoveTask::Status::completed);
    EXPECT_EQ(tasks[0].moved, 2U);
}

TEST_F(BrokerTest, AMoveTaskKeepsToItsRateAndCanBeCancelled) {
    const auto dead = make("dead");
    const auto target = make("target");
    for (int i = 0; i < 10; ++i)
        send(dead, "x");

    const auto task = broker.start_move_task(dead, "target", 2);
    broker.run_due();
    broker.run_due();
    EXPECT_EQ(target->counters(clock.now()).visible, 1U);
    clock.pass(std::chrono::milliseconds(500));
    broker.run_due();
    EXPECT_EQ(target->counters(clock.now()).visible, 2U);
    EXPECT_EQ(broker.start_move_task(dead, "target", 2).error().code(), Errc::conflict);

    const auto cancelled = broker.cancel_move_task(task->id);
    clock.pass(seconds(5));
    broker.run_due();

    EXPECT_EQ(cancelled->moved, 2U);
    EXPECT_EQ(cancelled->status, MoveTask::Status::cancelled);
    EXPECT_EQ(target->counters(clock.now()).visible, 2U);
    EXPECT_FALSE(broker.cancel_move_task(task->id));
}

TEST_F(BrokerTest, AMoveTaskFailsWhenItsDestinationIsDeleted) {
    const auto dead = make("dead");
    const auto target = make("target");
    send(dead, "x");
    const auto task = broker.start_move_task(dead, "target", 0);
    EXPECT_TRUE(broker.delete_queue(target));

    broker.run_due();

    const auto tasks = broker.list_move_tasks("dead", 1);
    EXPECT_EQ(tasks.at(0).status, MoveTask::Status::failed);
    EXPECT_EQ(tasks.at(0).failure, "AWS.SimpleQueueService.NonExistentQueue");
    EXPECT_EQ(dead->counters(clock.now()).visible, 1U);
}

TEST_F(BrokerTest, StoppingEndsLongPollsAndLetsNoNewOneWait) {
    const auto queue = make("q");
    Answer waiting;
    Answer late;
    std::ignore = broker.receive(queue, {}, true, waiting.receiver());

    broker.stop();
    const auto id = broker.receive(queue, {}, true, late.receiver());

    EXPECT_TRUE(waiting.empty());
    EXPECT_EQ(id, 0U);
    EXPECT_TRUE(late.empty());
}

TEST_F(BrokerTest, CountsAnEmptyReceiveOnceHoweverLongItWaited) {
    const auto queue = make("q", {.engine = {.delay = seconds(5)}});
    Answer answer;
    const auto id = broker.receive(queue, {}, true, answer.receiver());
    send(queue, "later");
    send(queue, "later");

    broker.cancel_wait(queue, id);

    EXPECT_EQ(queue->counters(clock.now()).empty_receives, 1U);
}

TEST_F(BrokerTest, ManyThreadsGetEachMessageExactlyOnce) {
    const auto queue = make("q");
    constexpr int senders = 2;
    constexpr int each = 2000;
    std::mutex mutex;
    std::multiset<std::string> bodies;
    std::atomic<int> received{0};
    const auto take = [&](const engine::Received& answer) {
        for (const auto& delivery : answer.deliveries) {
            {
                const std::lock_guard lock(mutex);
                bodies.emplace(delivery.payload.body());
            }
            std::ignore = broker.acknowledge(queue, delivery.receipt);
            ++received;
        }
    };
    const auto consume = [&] {
        while (received < senders * each) {
            const auto answered = std::make_shared<std::atomic<bool>>(false);
            const auto on_answer = [&, answered](const engine::Received& answer) {
                take(answer);
                *answered = true;
                answered->notify_one();
            };
            const auto id = broker.receive(queue, {.max_messages = 3}, true, on_answer);
            if (id != 0 && received >= senders * each) broker.cancel_wait(queue, id);
            answered->wait(false);
        }
        broker.stop();
    };
    const auto produce = [&](int sender) {
        for (int i = 0; i < each; ++i) {
            const std::string body = std::to_string(sender) + "-" + std::to_string(i);
            std::ignore = broker.send(queue, {.payload = payload(body)});
        }
    };

    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back(consume);
    for (int i = 0; i < senders; ++i)
        threads.emplace_back(produce, i);
    for (auto& thread : threads)
        thread.join();

    EXPECT_EQ(bodies.size(), static_cast<std::size_t>(senders * each));
    EXPECT_EQ(std::set<std::string>(bodies.begin(), bodies.end()).size(), bodies.size());
    EXPECT_EQ(queue->counters(clock.now()).in_flight, 0U);
}

}  // namespace
}  // namespace tranter::broker
