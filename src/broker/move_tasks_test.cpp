#include "broker/test_store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::seconds;
using Status = MoveTask::Status;

class MoveTasksTest : public testing::Test {
  protected:
    QueueHandle make(const std::string& name, QueueSettings settings = {}) {
        const bool fifo = name.ends_with(".fifo");
        settings.engine.groups.order = fifo ? engine::Order::fifo : engine::Order::none;
        return *broker.create_queue(name, settings);
    }
    /// Whose messages are dead letters of `dead` once they were received.
    QueueHandle make_source(const std::string& name, const std::string& dead) {
        return make(name, {.engine = {.max_receives = 1}, .dead_letter_queue = dead});
    }
    void send(const QueueHandle& queue, std::string_view body, std::string_view group = {}) {
        const auto payload = engine::Payload::make({.body = body});
        ASSERT_TRUE(broker.send(queue, {.payload = payload, .options = {.group = group}}).sent);
    }
    std::vector<std::string> receive(const QueueHandle& queue, std::uint32_t max = 10) {
        std::vector<std::string> bodies;
        std::ignore =
            broker.receive(queue, {.max_messages = max}, false, [&](engine::Received received) {
                for (const engine::Delivery& delivery : received.deliveries)
                    bodies.emplace_back(delivery.payload.body());
            });
        return bodies;
    }
    void make_dead_letters(const QueueHandle& queue) {
        receive(queue);
        clock.pass(seconds(31));
        receive(queue);
    }
    void run_all_due() {
        for (int i = 0; i < 1000; ++i) {
            const auto next = broker.next_event();
            if (!next || *next > clock.now()) return;
            broker.run_due();
        }
        FAIL() << "something is due for ever";
    }
    std::uint64_t visible(const QueueHandle& queue) { return queue->counters(clock.now()).visible; }
    MoveTask last_task(const QueueHandle& source) {
        return broker.list_move_tasks(source->name(), 1).at(0);
    }

    StoreClock clock;
    NullJournal journal;
    Broker broker{{}, clock, journal};
};

TEST_F(MoveTasksTest, ATaskEndsOnceItHasSeenWhatWasThereAtItsStart) {
    const auto queue = make("q");
    for (int i = 0; i < 700; ++i)
        send(queue, "x");

    ASSERT_TRUE(broker.start_move_task(queue, "q", 0));
    run_all_due();

    EXPECT_EQ(last_task(queue).status, Status::completed);
    EXPECT_EQ(last_task(queue).moved, 700U);
    EXPECT_EQ(visible(queue), 700U);
}

TEST_F(MoveTasksTest, MessagesThatCannotMoveHoldUpNoneBehindThem) {
    const auto dead = make("dead");
    const auto queue = make_source("q", "dead");
    for (int i = 0; i < 3000; ++i)
        send(dead, "sent by hand");
    for (int i = 0; i < 3; ++i)
        send(queue, "x");
    make_dead_letters(queue);

    ASSERT_TRUE(broker.start_move_task(dead, "", 1));
    run_all_due();

    EXPECT_EQ(last_task(dead).moved, 1U);
    for (int i = 0; i < 3; ++i) {
        clock.pass(seconds(1));
        run_all_due();
    }
    EXPECT_EQ(last_task(dead).moved, 3U);
    EXPECT_EQ(last_task(dead).status, Status::completed);
}

TEST_F(MoveTasksTest, ATaskFailsWhenTheSourceOfNoMessageIsKnown) {
    const auto dead = make("dead");
    send(dead, "sent by hand");

    ASSERT_TRUE(broker.start_move_task(dead, "", 0));
    run_all_due();

    EXPECT_EQ(last_task(dead).status, Status::failed);
    EXPECT_EQ(last_task(dead).failure, "CouldNotDetermineMessageSource");
}

TEST_F(MoveTasksTest, ATaskThatFindsNothingToMoveNowIsCompleted) {
    const auto dead = make("dead.fifo");
    const auto queue = make_source("q.fifo", "dead.fifo");
    for (const char* body : {"1", "2"})
        send(queue, body, "g");
    make_dead_letters(queue);
    ASSERT_EQ(receive(dead, 1), std::vector<std::string>{"1"});

    ASSERT_TRUE(broker.start_move_task(dead, "", 0));
    run_all_due();

    EXPECT_EQ(last_task(dead).status, Status::completed);
    EXPECT_EQ(last_task(dead).moved, 0U);
    EXPECT_EQ(last_task(dead).to_move, 1U);
}

}  // namespace
}  // namespace tranter::broker
