#include "broker/test_store.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

/// However many dead letters there are: whoever is told that a queue is empty would have been told
/// so as well if one request moved all of them, and a long poll waits only while there is nothing.
namespace tranter::broker {
namespace {

using std::chrono::seconds;

constexpr std::uint32_t names = 6;

/// Two queues that are each other's dead-letter queue, one that leads to them, and one that leads
/// to a last one.
constexpr std::array<std::uint32_t, names> dead_letter_queue_of = {1, 0, 0, 4, names, 4};

class RandomDeadLettersTest : public testing::TestWithParam<std::uint32_t> {
  protected:
    RandomDeadLettersTest() {
        broker.on_earlier_event([] {});
        for (std::uint32_t i = 0; i < names; ++i) {
            QueueSettings settings;
            if (fifo) settings.engine.groups.order = engine::Order::fifo;
            // The other fairness lets the newest go first, which were handed on meanwhile.
            if (below(2) == 0) settings.engine.groups.fairness = engine::Fairness::off;
            if (dead_letter_queue_of[i] != names) {
                settings.dead_letter_queue = name_of(dead_letter_queue_of[i]);
                settings.engine.max_receives = 1;
            }
            queues.push_back(*broker.create_queue(name_of(i), settings));
        }
    }

    std::uint32_t below(std::uint32_t limit) { return random() % limit; }
    std::string name_of(std::uint32_t i) const {
        return "q" + std::to_string(i) + (fifo ? ".fifo" : "");
    }
    const QueueHandle& any_queue() { return queues[below(names)]; }

    void send(const QueueHandle& queue, std::uint32_t count, Duration delay) {
        for (; count > 0; --count) {
            const std::uint32_t id = ++last_id;
            engine::MessageId bytes{};
            for (std::uint32_t i = 0; i < 4; ++i)
                bytes[i] = static_cast<std::uint8_t>(id >> (8 * i));
            const std::string text = std::to_string(id);
            const std::string group = "g" + std::to_string(below(groups));
            engine::SendOptions options{.group = group};
            if (!fifo) options.delay = delay;
            const auto payload = engine::Payload::make(
                {.body = text, .deduplication_id = fifo ? text : "", .id = bytes}
            );
            ASSERT_TRUE(broker.send(queue, {.payload = payload, .options = options}).sent);
        }
    }

    void receive(const QueueHandle& queue, std::uint32_t max, bool wait) {
        const std::uint32_t ask = ++last_ask;
        open[ask] = {queue, wait};
        const auto lease = seconds(1 + below(20));
        std::ignore = broker.receive(
            queue,
            {.max_messages = max, .visibility_timeout = lease},
            wait,
            // Of `queues`. A handle would keep the queue that keeps this.
            [this, ask, &queue](const engine::Received& received) {
                open.erase(ask);
                if (received.deliveries.empty()) expect_empty(queue);
                for (const engine::Delivery& delivery : received.deliveries)
                    held.push_back({queue, delivery.receipt});
            }
        );
    }

    void act() {
        const QueueHandle& queue = any_queue();
        switch (below(8)) {
            case 0:
            case 1:
                // Those become dead letters, as far as nobody deletes them in time.
                send(queue, 1 + below(300), {});
                return receive(queue, 300, false);
            case 2:
                return send(queue, 1 + below(3), seconds(below(2) * below(30)));
            case 3:
                return receive(queue, 1 + below(10), false);
            case 4:
                return receive(queue, 1 + below(3), true);
            case 5:
                return acknowledge();
            case 6:
                clock.pass(seconds(below(10)));
                return;
            default:
                broker.run_due();
        }
    }
    void acknowledge() {
        for (std::uint32_t count = below(20); count > 0 && !held.empty(); --count) {
            std::swap(held[below(static_cast<std::uint32_t>(held.size()))], held.back());
            std::ignore = broker.acknowledge(held.back().first, held.back().second);
            held.pop_back();
        }
    }

    /// Messages that could be delivered now.
    std::size_t available(const QueueHandle& queue) const {
        const std::uint32_t limit = queue->settings()->engine.max_receives;
        std::size_t count = 0;
        std::set<std::string> blocked;  // groups
        for (const engine::MessageView& message : broker.list(queue, 0, 0, 1'000'000)) {
            const bool here = message.state == engine::MessageView::State::visible;
            const bool dead = here && limit > 0 && message.receive_count >= limit;
            if (dead || blocked.contains(std::string(message.group))) continue;
            if (here) ++count;
            if (fifo) blocked.insert(std::string(message.group));
        }
        return count;
    }
    void expect_empty(const QueueHandle& queue) const {
        EXPECT_EQ(available(queue), 0U) << queue->name() << " is not empty, seed " << GetParam();
    }
    void run_all_due() {
        for (int i = 0; i < 2000; ++i) {
            const auto next = broker.next_event();
            if (!next || *next > clock.now()) return;
            broker.run_due();
        }
        FAIL() << "something is due for ever, seed " << GetParam();
    }
    void check() {
        run_all_due();
        for (const auto& [ask, receive] : open) {
            EXPECT_TRUE(receive.second) << "a receive without wait waits, seed " << GetParam();
            expect_empty(receive.first);
        }
    }

    std::mt19937 random{GetParam()};
    const bool fifo = below(2) == 0;
    const std::uint32_t groups = 1 + below(400);
    StoreClock clock;
    NullJournal journal;
    Broker broker{{}, clock, journal};
    std::vector<QueueHandle> queues;
    std::uint32_t last_id = 0;
    std::uint32_t last_ask = 0;
    std::map<std::uint32_t, std::pair<QueueHandle, bool>> open;  // receives, and whether they wait
    std::vector<std::pair<QueueHandle, engine::Receipt>> held;
};

TEST_P(RandomDeadLettersTest, HideNoMessage) {
    for (int step = 0; step < 300 && !HasFailure(); ++step) {
        act();
        if (below(5) == 0) check();
    }
    check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDeadLettersTest, testing::Range(0U, 8U));

}  // namespace
}  // namespace tranter::broker
