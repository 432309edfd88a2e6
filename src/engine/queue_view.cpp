#include "engine/queue.hpp"

#include <stdexcept>
#include <string>
#include <unordered_set>

namespace tranter::engine {

/// Calls `visit(Slot)` in order of arrival until it returns false.
template <class Visit>
void Queue::for_each_in_order(Visit visit) const {
    Slot sent = sent_.head();
    Slot moved = moved_.head();
    while (sent != no_slot || moved != no_slot) {
        const bool take_sent =
            moved == no_slot || (sent != no_slot && slab_[sent].sequence < slab_[moved].sequence);
        Slot& slot = take_sent ? sent : moved;
        if (!visit(slot)) return;
        slot = ArrivalList::next(slab_, slot);
    }
}

std::vector<Transfer> Queue::move_out(
    std::size_t max, const std::function<bool(const MessageView&)>& accept, Instant now
) {
    advance(now);
    std::vector<Slot> chosen;
    std::unordered_set<Slot> blocked;  // FIFO groups with an earlier message that cannot move
    for_each_in_order([&](Slot slot) {
        if (chosen.size() >= max) return false;
        const Message& message = slab_[slot];
        if (message.state != State::visible) {
            if (fifo()) blocked.insert(message.group);
            return true;
        }
        if (fifo() && blocked.contains(message.group)) return true;
        if (!accept || accept(view_of(message))) chosen.push_back(slot);
        return true;
    });
    std::vector<Transfer> moved;
    moved.reserve(chosen.size());
    for (const Slot slot : chosen)
        moved.push_back(extract(slot));
    return moved;
}

Counters Queue::counters() const {
    Counters counters = counters_;
    counters.noisy_groups = standard_.noisy_groups();
    return counters;
}

std::optional<Instant> Queue::oldest() const {
    // Messages received this often count as moved to the back. The search is bounded: a queue whose
    // first thousand messages all failed three times is old whatever comes after.
    constexpr std::uint32_t receives_max = 3;
    constexpr std::size_t search_max = 1000;
    std::optional<Instant> first;
    std::optional<Instant> oldest;
    std::size_t searched = 0;
    auto moved = moved_at_.begin();
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        Instant since = message.sent_at;
        if (message.moved_in) {
            while (moved->sequence < message.sequence)
                ++moved;
            since = moved->at;
        }
        if (!first) first = since;
        if (message.receive_count < receives_max) oldest = since;
        return !oldest && ++searched < search_max;
    });
    return oldest ? oldest : first;
}

std::vector<MessageView> Queue::peek(std::size_t offset, std::size_t max) const {
    std::vector<MessageView> views;
    for_each_in_order([&](Slot slot) {
        if (views.size() >= max) return false;
        if (offset > 0) {
            --offset;
        } else {
            views.push_back(view_of(slab_[slot]));
        }
        return true;
    });
    return views;
}

MessageView Queue::view_of(const Message& message) const {
    MessageView view{
        .payload = message.payload,
        .group = std::string(group_key(message)),
        .sequence = message.sequence,
        .sent_at = message.sent_at,
        .receive_count = message.receive_count,
        .source_queue = message.source_queue};
    if (message.state == State::visible) return view;
    view.state = message.state == State::in_flight ? MessageView::State::in_flight
                                                   : MessageView::State::delayed;
    view.due = message.due();
    return view;
}

void Queue::check() const {
    const auto require = [](bool right, const char* what) {
        if (!right) throw std::logic_error(std::string("engine: ") + what);
    };
    struct GroupCount {
        std::uint32_t messages = 0;
        std::uint32_t in_flight = 0;
    };
    std::unordered_map<Slot, GroupCount> groups;
    Counters counted;
    Sequence last = 0;
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        require(message.sequence > last, "messages are out of order");
        last = message.sequence;
        require(message.state != State::free, "a listed message is free");
        counted.visible += message.state == State::visible;
        counted.in_flight += message.state == State::in_flight;
        counted.delayed += message.state == State::delayed;
        counted.bytes += message.payload.size();
        if (message.payload.has_bytes()) counted.bytes_in_memory += message.payload.size();
        if (message.group == no_slot) return true;
        ++groups[message.group].messages;
        groups[message.group].in_flight += message.state == State::in_flight;
        return true;
    });
    require(counted.visible == counters_.visible, "visible counter is wrong");
    require(counted.in_flight == counters_.in_flight, "in flight counter is wrong");
    require(counted.delayed == counters_.delayed, "delayed counter is wrong");
    require(counted.bytes == counters_.bytes, "bytes counter is wrong");
    require(
        counted.bytes_in_memory == counters_.bytes_in_memory, "bytes in memory counter is wrong"
    );
    require(
        slab_.size() == counted.visible + counted.in_flight + counted.delayed,
        "the slab holds messages that no list has"
    );
    for (const auto& [group, count] : groups) {
        require(groups_[group].messages == count.messages, "messages of a group are wrong");
        require(groups_[group].in_flight == count.in_flight, "in flight of a group is wrong");
        counted.groups_in_flight += count.in_flight > 0;
    }
    require(counted.groups_in_flight == counters_.groups_in_flight, "groups in flight are wrong");
    if (!fifo()) require(standard_.count() == counters_.visible, "lines miss visible messages");
}

}  // namespace tranter::engine
