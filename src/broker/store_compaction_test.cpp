#include "broker/queue_state.hpp"
#include "broker/test_store.hpp"

#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class StoreCompactionTest : public StoreTest {};

TEST_F(StoreCompactionTest, WhatIsLiveOutlivesItsSegments) {
    const auto queue = make("q");
    for (int i = 0; i < 40; ++i)
        send(queue, "m" + std::to_string(i) + std::string(300, '.'));
    const auto leased = receive(queue, 2);
    for (const auto& delivery : receive(queue, 30))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    const auto newest_with_messages = store->log().figures().newest_segment;
    next_segment();

    compact();

    EXPECT_GT(store->log().figures().oldest_segment, newest_with_messages);
    reopen();
    EXPECT_EQ(store->opened().messages, 10U);
    EXPECT_TRUE(broker().acknowledge(find("q"), leased[1].receipt).done.value());
    const auto rest = receive(find("q"), 30);
    ASSERT_EQ(rest.size(), 8U);
    EXPECT_TRUE(rest[0].payload.body().starts_with("m32."));
    clock.pass(seconds(31));
    EXPECT_EQ(receive(find("q"), 30).size(), 9U);
}

TEST_F(StoreCompactionTest, AnEmptyQueueIsStillKnownWithItsSequence) {
    QueueSettings settings;
    settings.tags = {{"a", "b"}};
    const auto queue = make_fifo("q.fifo", settings);
    send(queue, "1", {.group = "g"}, "id1");
    send(queue, "2", {.group = "g"}, "id2");
    for (const auto& delivery : receive(queue))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    clock.pass(minutes(6));
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    EXPECT_EQ(find("q.fifo")->settings()->tags, settings.tags);
    EXPECT_GT(send(find("q.fifo"), "3", {.group = "g"}, "id3").sequence, 2U);
}

TEST_F(StoreCompactionTest, DuplicatesOfDeletedMessagesAreStillKnown) {
    const auto queue = make_fifo("q.fifo");
    const auto first = send(queue, "1", {.group = "g"}, "id1");
    send(queue, "2", {.group = "h"}, "id2");
    for (const auto& delivery : receive(queue, 1))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    const auto again = send(find("q.fifo"), "1", {.group = "g"}, "id1");
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.sequence, first.sequence);
    EXPECT_EQ(again.id, first.id);
    EXPECT_TRUE(send(find("q.fifo"), "2", {.group = "h"}, "id2").duplicate);
    clock.pass(minutes(5));
    EXPECT_FALSE(send(find("q.fifo"), "1", {.group = "g"}, "id1").duplicate);
}

TEST_F(StoreCompactionTest, TheNumberOfADeletedQueueIsNotUsedAgain) {
    const auto queue = make("q");
    send(queue, "x");
    const auto delivery = receive(queue).at(0);
    make("filler");
    const auto last = make("last");
    const QueueId number = last->id();
    ASSERT_TRUE(broker().delete_queue(last));
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
        reopen();
    }

    EXPECT_GT(make("new")->id(), number);
}

TEST_F(StoreCompactionTest, MoveTasksOutliveTheirSegments) {
    make("dead");
    QueueSettings settings;
    settings.dead_letter_queue = "dead";
    settings.engine.max_receives = 1;
    const auto queue = make("q", settings);
    send(queue, "a");
    send(queue, "b");
    std::ignore = receive(queue);
    clock.pass(minutes(1));
    std::ignore = receive(queue);
    const auto task = broker().start_move_task(find("dead"), "", 1);
    ASSERT_TRUE(task);
    broker().run_due();
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    const auto tasks = broker().list_move_tasks("dead", 1);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].id, task->id);
    EXPECT_EQ(tasks[0].moved, 1U);
    EXPECT_EQ(tasks[0].status, MoveTask::Status::running);
}

TEST_F(StoreCompactionTest, InterruptedCompactionLeavesNothingTwice) {
    const auto queue = make_fifo("q.fifo");
    for (int i = 0; i < 60; ++i) {
        const std::string number = std::to_string(i);
        send(queue, number + std::string(200, '.'), {.group = "g"}, "id" + number);
    }
    for (int i = 0; i < 3; ++i) {
        // Some live records are written again, but no segment goes.
        log::Compactor compactor(store->log(), store->keeper());
        std::ignore = compactor.step(true);
        reopen();
    }

    EXPECT_EQ(store->opened().messages, 60U);
    const auto deliveries = receive(find("q.fifo"), 100);
    ASSERT_EQ(deliveries.size(), 60U);
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        EXPECT_TRUE(deliveries[i].payload.body().starts_with(std::to_string(i) + "."));
    }
    EXPECT_EQ(broker().bytes(), find("q.fifo")->counters(clock.now()).bytes);
}

/// Random changes to a store that is closed, opened and compacted at random; what it was before and
/// after must be the same.
class RandomStoreTest : public StoreTest, public testing::WithParamInterface<std::uint32_t> {
  protected:
    std::uint32_t below(std::uint32_t limit) { return random() % limit; }

    QueueHandle any_queue() { return find(names[below(names.size())]); }

    QueueSettings settings_of(const std::string& name) {
        QueueSettings settings;
        settings.engine.groups.fairness = engine::Fairness::off;  // which looks at the past
        settings.engine.retention = minutes(30);
        settings.engine.deduplication_window = minutes(3);
        if (name.ends_with(".fifo")) settings.engine.groups.order = engine::Order::fifo;
        if (name.starts_with("q")) {
            settings.dead_letter_queue = "dead" + name.substr(1);
            settings.engine.max_receives = 3;
        }
        return settings;
    }

    void act() {
        clock.pass(Duration(1000 + (below(4) == 0 ? below(60'000'000) : 0)));
        const std::string name = names[below(names.size())];
        const QueueHandle queue = find(name);
        if (!queue) {
            make(name, settings_of(name));
            return;
        }
        switch (below(40)) {
            case 0:
                ASSERT_TRUE(broker().purge(queue));
                return;
            case 1:
                if (below(4) > 0) return;
                ASSERT_TRUE(broker().delete_queue(queue));
                return;
            case 2:
                return change(queue);
            case 3:
                if (name.starts_with("dead")) {
                    std::ignore = broker().start_move_task(queue, "", below(2) * 2);
                }
                return;
            default:
                break;
        }
        const std::uint32_t what = below(10);
        if (what < 5) return send_one(queue);
        if (what < 8) return receive_some(queue);
        if (what < 9) return broker().run_due();
        settle_one();
    }

    void change(const QueueHandle& queue) {
        const Duration delay = seconds(below(3) * 20);
        const Duration retention = minutes(10 + below(30));
        const auto changed = broker().change_settings(queue, [&](QueueSettings& settings) {
            settings.engine.delay = delay;
            if (below(3) == 0) settings.engine.retention = retention;
            settings.tags["changed"] = std::to_string(delay.count());
            return Result<>();
        });
        ASSERT_TRUE(changed);
    }

    void send_one(const QueueHandle& queue) {
        const std::string group =
            queue->fifo() || below(2) == 0 ? "g" + std::to_string(below(3)) : std::string();
        engine::SendOptions send_options{.group = group};
        if (!queue->fifo() && below(4) == 0) send_options.delay = seconds(below(60));
        const std::string id = queue->fifo() ? std::to_string(below(40)) : "";
        send(queue, std::string(below(300), 'x') + std::to_string(++bodies_made), send_options, id);
    }

    void receive_some(const QueueHandle& queue) {
        for (auto& delivery : receive(queue, 1 + below(5)))
            handed_out.push_back({queue->id(), delivery.receipt});
    }

    void settle_one() {
        if (handed_out.empty()) return;
        const auto [id, receipt] = handed_out[below(handed_out.size())];
        const QueueHandle queue = broker().find_queue(id);
        if (!queue) return;
        switch (below(4)) {
            case 0:
                std::ignore =
                    broker().change_visibility(queue, receipt, seconds(below(3) * 30)).done;
                return;
            case 1:
                return broker().take_back(queue, {receipt});
            default:
                std::ignore = broker().acknowledge(queue, receipt).done;
        }
    }

    /// Everything that can be seen from outside, as text.
    std::string picture() {
        std::string text;
        for (const QueueHandle& queue : broker().list_queues({}, {}, 100)) {
            const engine::Counters counters = queue->counters(clock.now());
            const auto number = [&](auto value) {
                text += ' ' + std::to_string(value);
            };
            const auto time = [&](Instant when) {
                number(when.time_since_epoch().count());
            };
            text += '\n' + queue->name() + " delay";
            number(queue->settings()->engine.delay.count());
            for (const auto& [key, value] : queue->settings()->tags)
                text += ' ' + key + '=' + value;
            number(queue->id());
            time(queue->modified());
            for (const std::uint64_t value :
                 {counters.visible, counters.in_flight, counters.delayed, counters.bytes}) {
                number(value);
            }
            for (const auto& message : queue->peek(0, 10'000)) {
                text += "\n  " + std::string(message.payload.body().substr(
                                     message.payload.body().find_last_of('x') + 1
                                 ));
                text += ' ' + message.group;
                number(message.sequence);
                number(message.receive_count);
                number(static_cast<int>(message.state));
                number(message.source_queue);
                time(message.due);
                time(message.sent_at);
            }
            for (const auto& entry : queue->state().engine.stored_deduplication())
                text += "\n  id " + entry.key.substr(entry.key.find('\0') + 1) + " is " +
                        std::to_string(entry.sequence);
            for (const MoveTask& task : broker().list_move_tasks(queue->name(), 10)) {
                text += "\n  task " + task.id + ' ' + std::string(status_text(task.status));
                number(task.moved);
            }
            queue->state().engine.check();
        }
        text += "\nbytes " + std::to_string(broker().bytes());
        return text;
    }

    /// Order in line, by taking everything.
    std::string drained() {
        std::string text;
        for (const QueueHandle& queue : broker().list_queues({}, {}, 100)) {
            for (const auto& delivery : receive(queue, 100'000)) {
                text += queue->name() + ' ' + std::to_string(delivery.receipt.sequence) + '\n';
            }
        }
        return text;
    }

    std::mt19937 random{GetParam()};
    const std::vector<std::string> names{"q", "dead", "q.fifo", "dead.fifo"};
    std::vector<std::pair<QueueId, engine::Receipt>> handed_out;
    int bodies_made = 0;
};

TEST_P(RandomStoreTest, IsTheSameAfterARestart) {
    for (int round = 0; round < 30; ++round) {
        for (int i = 0; i < 60; ++i) {
            ASSERT_NO_FATAL_FAILURE(act());
            if (below(20) == 0) commit();
            if (below(60) == 0) compact();
            if (below(60) == 0) {
                log::Compactor interrupted(store->log(), store->keeper());
                std::ignore = interrupted.step(true);
            }
        }
        const std::string before = picture();

        reopen();

        ASSERT_EQ(picture(), before) << "round " << round;
    }
    const auto copy = directory.string() + "-copy";
    commit();
    std::filesystem::copy(directory, copy, std::filesystem::copy_options::recursive);
    const Duration now = clock.now().time_since_epoch();
    // Everything from one FIFO group at a time: which group comes first is not kept.
    const std::string first = drained();
    store.reset();
    data.reset();
    std::filesystem::remove_all(directory);
    std::filesystem::rename(copy, directory);
    clock.pass(now - clock.now().time_since_epoch());
    open();
    EXPECT_EQ(drained(), first);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStoreTest, testing::Range(1U, 9U));

}  // namespace
}  // namespace tranter::broker
