#include "broker/queue_state.hpp"
#include "broker/test_store.hpp"

#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

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
        const std::uint32_t what = below(14);
        if (what < 4) return send_one(queue);
        if (what < 5) return send_batch(queue);
        if (what < 9) return receive_some(queue);
        if (what < 10) return broker().run_due();
        if (what < 11) return settle_one();
        if (what < 13) return settle_job();
        handle_job(queue);
    }

    void change(const QueueHandle& queue) {
        const Duration delay = seconds(below(3) * 20);
        const Duration retention = minutes(10 + below(30));
        const auto changed = broker().change_settings(queue, [&](QueueSettings& settings) {
            settings.engine.delay = delay;
            if (below(3) == 0) settings.engine.retention = retention;
            if (below(5) == 0) settings.engine.retention = {};
            settings.engine.paused = below(5) == 0;
            settings.engine.priority_aging = seconds(below(3) * 30);
            settings.engine.groups.max_queued_per_group = below(4) == 0 ? 20 : 0;
            settings.tags["changed"] = std::to_string(delay.count());
            return Result<>();
        });
        ASSERT_TRUE(changed);
    }

    /// What options refer to.
    struct Parts {
        std::string group{};
        engine::Traits traits{};
    };
    Broker::SendRequest request(const QueueHandle& queue, Parts& parts) {
        if (queue->fifo() || below(2) == 0) parts.group = "g" + std::to_string(below(3));
        engine::SendOptions send_options{.group = parts.group};
        if (!queue->fifo() && below(4) == 0) send_options.delay = seconds(below(60));
        if (below(3) == 0) {
            parts.traits = any_traits();
            send_options.traits = &parts.traits;
        }
        const std::string deduplication_id = queue->fifo() ? std::to_string(below(40)) : "";
        const std::string body = std::string(below(300), 'x') + std::to_string(++bodies_made);
        ids_sent.push_back(
            {static_cast<std::uint8_t>(bodies_made), static_cast<std::uint8_t>(bodies_made >> 8)}
        );
        const auto payload = engine::Payload::make(
            {.body = body, .deduplication_id = deduplication_id, .id = ids_sent.back()}
        );
        return {.payload = payload, .options = send_options};
    }
    engine::Traits any_traits() {
        engine::Traits traits;
        if (below(2) == 0) traits.priority = static_cast<std::uint8_t>(below(10));
        if (below(3) == 0) traits.max_receives = 1 + below(3);
        if (below(3) == 0) traits.deadline = clock.now() + seconds(below(600));
        if (below(2) == 0) {
            traits.uniqueness = static_cast<engine::Uniqueness>(1 + below(4));
            traits.unique_key = "k" + std::to_string(below(4));
            traits.unique_for = seconds(below(3) * 60);
        }
        return traits;
    }

    void send_one(const QueueHandle& queue) {
        Parts parts;
        std::ignore = broker().send(queue, request(queue, parts)).sent;
    }

    void send_batch(const QueueHandle& queue) {
        std::vector<Parts> parts(2 + below(4));
        std::vector<Broker::SendRequest> requests;
        for (Parts& one : parts)
            requests.push_back(request(queue, one));
        std::ignore = broker().send_all(queue, requests).sent;
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

    void settle_job() {
        if (handed_out.empty()) return;
        const auto [id, receipt] = handed_out[handed_out.size() - 1 - below(5) % handed_out.size()];
        const QueueHandle queue = broker().find_queue(id);
        if (!queue) return;
        switch (below(6)) {
            case 0:
                std::ignore = broker().extend(queue, {&receipt, 1}, seconds(below(90)));
                return;
            case 1:
                std::ignore = broker().set_note(queue, receipt, "note " + std::to_string(below(9)));
                return;
            default:
                break;
        }
        const engine::Settle settle{
            .kind = static_cast<engine::Settle::Kind>(below(3)),
            .receipt = receipt,
            .delay = seconds(below(2) * below(60)),
            .counts = below(2) == 0};
        std::ignore = broker().settle(queue, {&settle, 1});
    }

    void handle_job(const QueueHandle& queue) {
        if (ids_sent.empty()) return;
        const engine::MessageId id = ids_sent[below(ids_sent.size())];
        const QueueHandle other = any_queue();
        switch (below(3)) {
            case 0:
                std::ignore = broker().cancel(queue, id).done;
                return;
            case 1:
                std::ignore = broker().promote(queue, id);
                return;
            default:
                if (other) std::ignore = broker().move(queue, id, other);
        }
    }

    /// What only jobs have.
    static std::string picture_of_job(const Queue::State& state, const engine::MessageView& view) {
        const auto stored = state.engine.stored(view.slot, view.sequence);
        if (!stored) return " gone";
        const engine::Traits& traits = stored->traits;
        return " priority " + std::to_string(traits.priority) + " receives " +
               std::to_string(traits.max_receives) + " until " +
               std::to_string(traits.deadline.time_since_epoch().count()) + " unique " +
               std::to_string(static_cast<int>(traits.uniqueness)) + traits.unique_key +
               std::to_string(traits.unique_for.count()) + " since " +
               std::to_string(stored->unique_since.time_since_epoch().count()) + " note '" +
               stored->note + "' cancel " + std::to_string(stored->delivery.cancel_requested);
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
                text += picture_of_job(queue->state(), message);
            }
            std::set<std::string> known;  // throttles come in any order
            for (const auto& entry : queue->state().engine.stored_deduplication()) {
                known.insert(
                    "\n  id " + entry.key.substr(entry.key.find('\0') + 1) + " is " +
                    std::to_string(entry.sequence) + " for " +
                    std::to_string(entry.unique_for.count())
                );
            }
            for (const std::string& entry : known)
                text += entry;
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
    std::vector<engine::MessageId> ids_sent;
    std::uint32_t bodies_made = 0;
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
