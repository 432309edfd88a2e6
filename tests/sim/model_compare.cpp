#include "model.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace tranter::sim {

namespace {

void require_equal(
    Invariant invariant, const char* what, std::uint64_t engine, std::uint64_t model
) {
    if (engine == model) return;
    throw Violation(
        invariant,
        std::string(what) + " is " + std::to_string(engine) + ", not " + std::to_string(model)
    );
}

}  // namespace

void Model::compare(const engine::Counters& counters) {
    see_what_is_available();
    engine::Counters expected = counted_;
    std::set<std::string> groups;
    for (const Message& message : messages_) {
        expected.visible += message.state == State::visible;
        expected.in_flight += message.state == State::in_flight;
        expected.delayed += message.state == State::delayed;
        expected.bytes += message.content->bytes();
        if (message.state == State::in_flight && !message.group.empty()) {
            groups.insert(message.group);
        }
    }
    expected.groups_in_flight = groups.size();
    expected.noisy_groups = noisy_.noisy().size();
    require_equal(Invariant::counters, "visible", counters.visible, expected.visible);
    require_equal(Invariant::counters, "in flight", counters.in_flight, expected.in_flight);
    require_equal(Invariant::counters, "delayed", counters.delayed, expected.delayed);
    require_equal(Invariant::counters, "bytes", counters.bytes, expected.bytes);
    require_equal(
        Invariant::counters,
        "groups in flight",
        counters.groups_in_flight,
        expected.groups_in_flight
    );
    require_equal(
        Invariant::fairness, "noisy groups", counters.noisy_groups, expected.noisy_groups
    );
    require_equal(Invariant::counters, "sent", counters.sent, expected.sent);
    require_equal(
        Invariant::deduplication, "deduplicated", counters.deduplicated, expected.deduplicated
    );
    require_equal(Invariant::counters, "received", counters.received, expected.received);
    require_equal(
        Invariant::counters, "empty receives", counters.empty_receives, expected.empty_receives
    );
    require_equal(Invariant::counters, "deleted", counters.deleted, expected.deleted);
    require_equal(Invariant::retention, "expired", counters.expired, expected.expired);
    require_equal(
        Invariant::dead_letter, "dead-lettered", counters.dead_lettered, expected.dead_lettered
    );
    require_equal(Invariant::counters, "moved in", counters.moved_in, expected.moved_in);
}

void Model::compare(
    const std::vector<engine::MessageView>& views, std::size_t offset, std::size_t max
) const {
    const std::size_t left = offset < messages_.size() ? messages_.size() - offset : 0;
    if (views.size() != std::min(left, max)) {
        throw Violation(
            Invariant::nothing_lost,
            "peek shows " + std::to_string(views.size()) + " messages, not " +
                std::to_string(std::min(left, max))
        );
    }
    for (std::size_t i = 0; i < views.size(); ++i) {
        const engine::MessageView& view = views[i];
        const Message& message = messages_[offset + i];
        if (view.sequence != message.sequence) throw explain_missing(view.sequence);
        if (!message.content->equals(view.payload) || view.group != message.group ||
            view.sent_at != message.sent_at || view.source_queue != message.source_queue) {
            throw Violation(Invariant::payload_intact, message.content->name() + " looks changed");
        }
        if (view.receive_count != message.receive_count) {
            throw Violation(
                Invariant::receive_count, message.content->name() + " was counted wrong"
            );
        }
        const auto state = message.state == State::visible ? engine::MessageView::State::visible
                           : message.state == State::in_flight
                               ? engine::MessageView::State::in_flight
                               : engine::MessageView::State::delayed;
        if (view.state != state) {
            throw Violation(
                message.state == State::delayed ? Invariant::delay : Invariant::lease,
                message.content->name() + " is in another state"
            );
        }
        if (message.state != State::visible && view.due != message.due) {
            throw Violation(
                message.state == State::delayed ? Invariant::delay : Invariant::lease,
                message.content->name() + " is due at another time"
            );
        }
    }
}

void Model::compare_policy(const engine::QueuePolicy& policy) const {
    if (policy == policy_) return;
    throw Violation(Invariant::answers, "the policy is not what was set");
}

void Model::compare_oldest(std::optional<Instant> oldest) const {
    std::optional<Instant> expected;
    for (const Message& message : messages_) {
        if (message.receive_count >= 3) continue;
        expected = message.arrived_at;
        break;
    }
    if (!expected && !messages_.empty()) expected = messages_.front().arrived_at;
    if (oldest != expected) throw Violation(Invariant::counters, "the oldest message is wrong");
}

void Model::compare_next_event(std::optional<Instant> next_event) const {
    std::optional<Instant> change;
    for (const Message& message : messages_) {
        Instant next = expires_at(message);
        if (message.state != State::visible) next = std::min(next, message.due);
        if (!change || next < *change) change = next;
    }
    if (change && (!next_event || *next_event > *change)) {
        throw Violation(Invariant::next_event, "the next event is after the next change");
    }
}

}  // namespace tranter::sim
