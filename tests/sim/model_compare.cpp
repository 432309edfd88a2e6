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
        expected.bytes += message.content->bytes() + message.note.size();
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
    require_equal(Invariant::counters, "taken back", counters.taken_back, expected.taken_back);
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
        const Message& message = messages_[offset + i];
        if (views[i].sequence != message.sequence) throw explain_missing(views[i].sequence);
        compare(views[i], message);
    }
}

void Model::compare(const engine::MessageView& view, const Message& message) const {
    const std::string name = message.content->name();
    if (!message.content->equals(view.payload, message.id) || view.group != message.group ||
        view.slot != message.slot || view.sequence != message.sequence ||
        view.sent_at != message.sent_at || view.source_queue != message.source_queue) {
        throw Violation(Invariant::payload_intact, name + " looks changed");
    }
    if (view.receive_count != message.receive_count) {
        throw Violation(Invariant::receive_count, name + " was counted wrong");
    }
    const auto state = message.state == State::visible     ? engine::MessageView::State::visible
                       : message.state == State::in_flight ? engine::MessageView::State::in_flight
                                                           : engine::MessageView::State::delayed;
    const Invariant hidden = message.state == State::delayed ? Invariant::delay : Invariant::lease;
    if (view.state != state) throw Violation(hidden, name + " is in another state");
    if (message.state != State::visible && view.due != message.due) {
        throw Violation(hidden, name + " is due at another time");
    }
    if (view.priority != message.traits.priority ||
        view.max_receives != message.traits.max_receives ||
        view.deadline != message.traits.deadline || view.received_at != message.handed_out_at) {
        throw Violation(Invariant::lookup, name + " is shown with other traits");
    }
    if (view.note != message.note) {
        throw Violation(Invariant::notes, name + " is shown with another note");
    }
    if (view.cancel_requested != message.cancel_requested) {
        throw Violation(Invariant::cancel, name + " is shown as asked to stop, or is not");
    }
}

void Model::compare_ended(const std::vector<engine::Ended>& ended) {
    std::vector<engine::Ended> told = ended;
    std::ranges::sort(told, {}, [](const engine::Ended& end) { return end.message.sequence; });
    std::ranges::sort(ended_, {}, [](const End& end) { return end.message.sequence; });
    for (std::size_t i = 0; i < std::max(told.size(), ended_.size()); ++i) {
        const bool late = i < ended_.size() && ended_[i].why == engine::Ended::Why::expired;
        const Invariant rule = late ? Invariant::deadline : Invariant::cancel;
        if (i >= ended_.size()) throw Violation(rule, "a message ended that did not");
        const std::string name = ended_[i].message.content->name();
        if (i >= told.size()) throw Violation(rule, name + " ended and nobody was told");
        if (told[i].message.sequence != ended_[i].message.sequence ||
            told[i].why != ended_[i].why) {
            throw Violation(rule, name + " ended in another way");
        }
        compare(told[i].message, ended_[i].message);
    }
    ended_.clear();
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
    const auto consider = [&](Instant when) {
        if (when != Instant::max() && (!change || when < *change)) change = when;
    };
    for (const Message& message : messages_) {
        consider(expires_at(message));
        if (message.state != State::visible) consider(message.due);
        const bool watched =
            message.traits.deadline != Instant{} && message.state != State::in_flight;
        if (watched) consider(message.traits.deadline);
    }
    for (const Throttle& throttle : throttles_)
        consider(throttle.ends_at);
    if (change && (!next_event || *next_event > *change)) {
        throw Violation(Invariant::next_event, "the next event is after the next change");
    }
}

}  // namespace tranter::sim
