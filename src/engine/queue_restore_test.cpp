#include "engine/queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{hours(24 * 365 * 56)};

struct Handle {
    std::uint32_t slot = 0;
    Sequence sequence = 0;
};

std::unique_ptr<Queue> restored(
    const Queue& queue, const std::vector<Handle>& handles, Instant now
) {
    std::vector<Stored> messages;
    for (const Handle& handle : handles) {
        if (auto stored = queue.stored(handle.slot, handle.sequence)) {
            messages.push_back(std::move(*stored));
        }
    }
    auto copy = std::make_unique<Queue>(queue.policy());
    std::ignore = copy->restore(
        std::move(messages), queue.stored_deduplication(), queue.last_sequence(), now
    );
    copy->check();
    return copy;
}

Stored make_stored(std::string_view body, std::uint32_t slot, Sequence sequence, Instant sent_at) {
    return {
        .payload = Payload::make({.body = body}),
        .slot = slot,
        .sequence = sequence,
        .sent_at = sent_at,
        .delivery = {.due = sent_at}};
}

std::string bodies(Queue& queue, Instant now, std::uint32_t max = 10) {
    std::string all;
    for (const Delivery& delivery : queue.receive({.max_messages = max}, now).deliveries)
        all += delivery.payload.body();
    return all;
}

TEST(QueueRestoreTest, StandardOrderIsTheTimeSinceWhenAMessageIsVisible) {
    Queue queue({});
    std::vector<Stored> messages;
    messages.push_back(make_stored("sent first", 0, 1, start));
    messages.back().delivery.due = start + seconds(9);  // its lease ended then
    messages.back().delivery.state = DeliveryState::State::in_flight;
    messages.push_back(make_stored("sent second", 1, 2, start + seconds(1)));
    messages.push_back(make_stored("sent third, delayed", 2, 3, start + seconds(2)));
    messages.back().delivery.due = start + seconds(8);
    messages.back().delivery.state = DeliveryState::State::delayed;
    std::ignore = queue.restore(std::move(messages), {}, 3, start + minutes(1));
    queue.check();

    EXPECT_EQ(bodies(queue, start + minutes(1), 1), "sent second");
    EXPECT_EQ(bodies(queue, start + minutes(1), 1), "sent third, delayed");
    EXPECT_EQ(bodies(queue, start + minutes(1), 1), "sent first");
}

TEST(QueueRestoreTest, WhatWasTakenBackStillGoesBeforeAllOthers) {
    Queue queue({});
    const Sent first = *queue.send(Payload::make({.body = "a"}), {}, start);
    const Sent second = *queue.send(Payload::make({.body = "b"}), {}, start);
    const auto both = queue.receive({.max_messages = 2}, start).deliveries;
    queue.take_back(both.at(1).receipt, start + seconds(1));
    ASSERT_TRUE(queue.change_visibility(both.at(0).receipt, {}, start + seconds(2)));

    const auto copy = restored(
        queue, {{first.slot, first.sequence}, {second.slot, second.sequence}}, start + seconds(3)
    );

    EXPECT_EQ(bodies(*copy, start + seconds(3)), "ba");
}

TEST(QueueRestoreTest, OfTwoMessagesWithOneSlotTheNewerKeepsIt) {
    Queue queue({});
    std::vector<Stored> messages;
    messages.push_back(make_stored("new", 5, 8, start));
    messages.push_back(make_stored("old", 5, 7, start));
    const auto elsewhere = queue.restore(std::move(messages), {}, 8, start);
    queue.check();

    ASSERT_EQ(elsewhere.size(), 1U);
    EXPECT_EQ(elsewhere[0].second, 7U);
    EXPECT_TRUE(queue.stored(elsewhere[0].first, 7));
    EXPECT_TRUE(queue.stored(5, 8));
    EXPECT_FALSE(queue.stored(5, 7));
    EXPECT_EQ(queue.counters().visible, 2U);
    EXPECT_EQ(bodies(queue, start), "oldnew");
}

TEST(QueueRestoreTest, SequencesGoOnWhenTheNewestMessageIsGone) {
    Queue queue({});
    std::ignore = queue.restore({}, {}, 41, start);

    EXPECT_EQ(queue.send(Payload::make({.body = "a"}), {}, start)->sequence, 42U);
}

TEST(QueueRestoreTest, AHighSlotDoesNotStandInTheWayOfLowOnes) {
    Queue queue({});
    std::vector<Stored> messages;
    for (std::uint32_t i = 0; i < 3; ++i)
        messages.push_back(make_stored("x", 9'000'000 + i * 5000, i + 1, start));
    std::ignore = queue.restore(std::move(messages), {}, 3, start);

    std::vector<std::uint32_t> slots;
    for (int i = 0; i < 5000; ++i)
        slots.push_back(queue.send(Payload::make({.body = "y"}), {}, start)->slot);
    queue.check();
    std::ranges::sort(slots);

    EXPECT_EQ(std::ranges::adjacent_find(slots), slots.end());
    EXPECT_EQ(queue.counters().visible, 5003U);
    // The rest of the three chunks first, then chunks from the bottom.
    EXPECT_LT(slots.front(), 2048U);
    while (!bodies(queue, start, 1000).empty()) {
    }
    queue.advance(start + hours(200));
    queue.check();
    EXPECT_EQ(queue.send(Payload::make({.body = "z"}), {}, start + hours(200))->slot, 0U);
}

TEST(QueueRestoreTest, WhatExpiredMeanwhileIsGone) {
    Queue queue({.retention = hours(1), .groups = {.order = Order::fifo}});
    std::vector<Stored> messages;
    messages.push_back(make_stored("old", 0, 1, start));
    messages.push_back(make_stored("moved in later", 1, 2, start));
    messages.back().moved_in = true;
    messages.back().moved_at = start + minutes(30);
    std::vector<StoredDeduplication> ids{
        {.key = queue.deduplication_key({}, "old id"), .sequence = 1, .at = start},
        {.key = queue.deduplication_key({}, "new id"), .sequence = 2, .at = start + minutes(58)}};
    std::ignore = queue.restore(std::move(messages), std::move(ids), 2, start + minutes(61));
    queue.check();

    EXPECT_EQ(queue.deduplicated_as(queue.deduplication_key({}, "old id")), 0U);
    EXPECT_EQ(queue.deduplicated_as(queue.deduplication_key({}, "new id")), 2U);
    EXPECT_EQ(bodies(queue, start + minutes(61)), "moved in later");
    queue.advance(start + minutes(90));
    EXPECT_EQ(queue.counters().in_flight, 0U);
}

/// Does the same random things to queues that must behave alike.
class Twins {
  public:
    Twins(std::uint32_t seed, Order order) : random_(seed) {
        policy_.retention = minutes(20);
        policy_.max_receives = 4;
        policy_.deduplication_window = minutes(2);
        if (order == Order::fifo) policy_.deduplication_scope = DeduplicationScope::message_group;
        // Not aws: what a group did before is not restored.
        policy_.groups = {.order = order, .fairness = Fairness::off};
        queues_.push_back({.queue = std::make_unique<Queue>(policy_)});
    }

    void add_restored() {
        const Twin& first = queues_.front();
        std::vector<Handle> handles;
        for (const auto& [sequence, slot] : first.slots)
            handles.push_back({slot, sequence});
        // Slots of messages to come may be others, those of messages that are there must not.
        queues_.push_back({restored(*first.queue, handles, now_), first.slots});
    }

    /// What the first queue answered; every other one must have answered the same.
    void step() {
        now_ += Duration(below(3) == 0 ? 0 : below(20'000'000));
        const std::uint32_t what = below(100);
        std::string first;
        const std::uint32_t drawn = random_();
        for (std::size_t i = 0; i < queues_.size(); ++i) {
            const std::string answer = act(queues_[i], what, drawn, i == 0);
            if (i == 0) first = answer;
            EXPECT_EQ(answer, first) << "operation " << what;
        }
        new_deliveries_.swap(deliveries_);
        deliveries_.insert(deliveries_.end(), new_deliveries_.begin(), new_deliveries_.end());
        new_deliveries_.clear();
        for (const Twin& twin : queues_)
            twin.queue->check();
    }

    const Queue& queue(std::size_t index) const { return *queues_[index].queue; }

  private:
    struct Twin {
        std::unique_ptr<Queue> queue;
        std::map<Sequence, std::uint32_t> slots{};
    };

    bool fifo() const { return policy_.groups.order == Order::fifo; }
    std::uint32_t below(std::uint32_t limit) { return random_() % limit; }

    std::string act(Twin& twin, std::uint32_t what, std::uint32_t drawn, bool first) {
        Queue& queue = *twin.queue;
        if (what < 35) return send(twin, drawn);
        if (what < 60) return receive(queue, drawn, first);
        if (what < 64) return move_in(twin, drawn);
        if (what < 66) return move_out(queue);
        if (what < 67) {
            std::ignore = queue.purge(now_);
            return "purged";
        }
        if (deliveries_.empty()) return "nothing";
        Receipt receipt = deliveries_[drawn % deliveries_.size()];
        receipt.slot = twin.slots.at(receipt.sequence);
        if (what < 78) {
            const auto done = queue.acknowledge(receipt, now_);
            return done ? std::to_string(static_cast<int>(*done)) : done.error().message();
        }
        if (what < 90) {
            const auto done = queue.change_visibility(receipt, seconds(drawn % 3 * 20), now_);
            return done ? "changed" : done.error().message();
        }
        queue.take_back(receipt, now_);
        return "taken back";
    }

    std::string send(Twin& twin, std::uint32_t drawn) {
        const std::string id = std::to_string(drawn / 7 % 30);
        const std::string group = drawn % 4 == 0 && !fifo() ? "" : "g" + std::to_string(drawn % 3);
        SendOptions options{.group = group};
        if (!fifo() && drawn % 5 == 0) options.delay = seconds(drawn % 60);
        const std::string body = "m" + std::to_string(drawn);
        const Sent sent = *twin.queue->send(
            Payload::make({.body = body, .deduplication_id = fifo() ? id : ""}), options, now_
        );
        if (!sent.duplicate) twin.slots[sent.sequence] = sent.slot;
        return std::to_string(sent.sequence) + (sent.duplicate ? " again" : "");
    }

    std::string receive(Queue& queue, std::uint32_t drawn, bool first) {
        // Which FIFO group comes first is not restored, so everything is received.
        const ReceiveOptions options{
            .max_messages = fifo() ? 1000 : drawn % 4 + 1,
            .visibility_timeout = seconds(drawn % 4 * 25)};
        Received received = queue.receive(options, now_);
        std::ranges::sort(received.dead, {}, &Transfer::source_sequence);
        if (fifo()) {
            std::ranges::sort(received.deliveries, {}, [](const Delivery& delivery) {
                return delivery.receipt.sequence;
            });
        }
        std::string text;
        for (const Delivery& delivery : received.deliveries) {
            for (const std::uint64_t value :
                 {std::uint64_t{delivery.receipt.delivery},
                  delivery.receipt.sequence,
                  std::uint64_t{delivery.receive_count},
                  static_cast<std::uint64_t>(delivery.first_received_at.time_since_epoch().count()),
                  static_cast<std::uint64_t>(delivery.sent_at.time_since_epoch().count())}) {
                text += std::to_string(value) + ' ';
            }
            text += std::string(delivery.payload.body()) + delivery.group + '\n';
            if (first) new_deliveries_.push_back(delivery.receipt);
        }
        for (const Transfer& dead : received.dead)
            text += "dead " + std::string(dead.payload.body());
        return text;
    }

    std::string move_in(Twin& twin, std::uint32_t drawn) {
        Transfer transfer{
            .payload = Payload::make({.body = "moved"}),
            .group = "g1",
            .sent_at = now_ - seconds(drawn % 900),
            .source_queue = 3};
        const Sent place = twin.queue->move_in(std::move(transfer), now_);
        twin.slots[place.sequence] = place.slot;
        return "moved in";
    }

    std::string move_out(Queue& queue) {
        std::string text;
        MoveProgress progress;
        for (const Transfer& moved : queue.move_out({.max = 2}, progress, now_))
            text += std::string(moved.payload.body()) + ' ';
        return text;
    }

    std::mt19937 random_;
    QueuePolicy policy_;
    std::vector<Twin> queues_;
    std::vector<Receipt> deliveries_;
    std::vector<Receipt> new_deliveries_;
    Instant now_ = start;
};

void expect_same_behaviour(Order order) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Twins twins(seed, order);
        for (int i = 0; i < 120; ++i)
            twins.step();
        twins.add_restored();
        for (int i = 0; i < 120; ++i)
            twins.step();
        EXPECT_EQ(twins.queue(0).oldest(), twins.queue(1).oldest());
        EXPECT_EQ(twins.queue(0).bytes(), twins.queue(1).bytes());
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    }
}

TEST(QueueRestoreTest, ARestoredStandardQueueBehavesLikeTheFirst) {
    expect_same_behaviour(Order::none);
}

TEST(QueueRestoreTest, ARestoredFifoQueueBehavesLikeTheFirst) {
    expect_same_behaviour(Order::fifo);
}

TEST(QueueBytesTest, AMessageWhoseBytesAreElsewhereBehavesLikeAnyOther) {
    Queue queue({});
    const Instant now(Duration(1'000'000));
    const auto sent = *queue.send(Payload::make({.body = "hello", .id = {1}}), {}, now);

    EXPECT_TRUE(queue.move_bytes(sent.slot, sent.sequence, 77));

    EXPECT_EQ(queue.bytes(), 5U);
    EXPECT_EQ(queue.bytes_in_memory(), 0U);
    EXPECT_EQ(queue.find_payload(sent.slot, sent.sequence)->place(), 77U);
    const Received received = queue.receive({}, now);
    ASSERT_EQ(received.deliveries.size(), 1U);
    EXPECT_EQ(received.deliveries[0].payload.place(), 77U);
    EXPECT_TRUE(*queue.acknowledge(received.deliveries[0].receipt, now));
    EXPECT_FALSE(queue.move_bytes(sent.slot, sent.sequence, 78));
    EXPECT_EQ(queue.bytes(), 0U);
    queue.check();
}

}  // namespace
}  // namespace tranter::engine
