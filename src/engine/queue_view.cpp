#include "engine/queue.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_set>

namespace tranter::engine {
namespace {

/// So many hand-outs that are over may stand beside twice as many as are in flight.
constexpr std::size_t flights_over_max = 64;
/// A list with room for more gives it back after a peak.
constexpr std::size_t flights_kept_max = 4'096;

}  // namespace

/// Calls `visit(Slot)` in order of arrival until it returns false.
template <class Visit>
void Queue::for_each_in_order(Visit visit) const {
    merge(sent_.head(), moved_.head(), visit);
}

/// The same from these on; no_slot: nothing of that list.
template <class Visit>
void Queue::merge(Slot sent, Slot moved, Visit visit) const {
    while (sent != no_slot || moved != no_slot) {
        const bool take_sent =
            moved == no_slot || (sent != no_slot && slab_[sent].sequence < slab_[moved].sequence);
        Slot& slot = take_sent ? sent : moved;
        if (!visit(slot)) return;
        slot = ArrivalList::next(slab_, slot);
    }
}

std::vector<Transfer> Queue::move_out(const MoveOut& move, MoveProgress& progress, Instant now) {
    advance(now);
    if (progress.until == 0) progress.until = last_sequence_;
    progress.done = false;
    std::vector<Transfer> out;
    std::size_t looks = 0;
    Slot sent = next_to_look_at(sent_, progress);
    Slot moved = next_to_look_at(moved_, progress);
    while (sent != no_slot || moved != no_slot) {
        const bool take_sent =
            moved == no_slot || (sent != no_slot && slab_[sent].sequence < slab_[moved].sequence);
        Slot& next = take_sent ? sent : moved;
        const Slot slot = next;
        const Sequence sequence = slab_[slot].sequence;
        if (sequence > progress.until) break;
        if (out.size() >= move.max || looks >= move.looks_max) return out;
        ++looks;
        next = ArrivalList::next(slab_, slot);
        progress.looked_at = sequence;
        if (may_move(slot, move, progress)) {
            out.push_back(extract(slot));
        } else {
            (take_sent ? progress.sent : progress.moved) = {.slot = slot, .sequence = sequence};
        }
    }
    progress.done = true;
    return out;
}

/// Of one list; no_slot: nothing.
Slot Queue::next_to_look_at(const ArrivalList& list, const MoveProgress& progress) const {
    const auto& [slot, sequence] = &list == &sent_ ? progress.sent : progress.moved;
    const Message* passed = slab_.find(slot, sequence);
    const bool here = passed != nullptr && passed->moved_in == (&list == &moved_);
    if (!here) return first_after(list, progress.looked_at);
    Slot next = ArrivalList::next(slab_, slot);
    while (next != no_slot && slab_[next].sequence <= progress.looked_at)
        next = ArrivalList::next(slab_, next);
    return next;
}

bool Queue::may_move(Slot slot, const MoveOut& move, MoveProgress& progress) const {
    const Message& message = slab_[slot];
    const std::string_view group = group_key(message);
    if (message.state != State::visible && message.state != State::held) {
        if (fifo()) progress.blocked.emplace(group);
        return false;
    }
    if (fifo() && progress.blocked.contains(group)) return false;
    return !move.accept || move.accept(view_of(slot));
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
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        const Instant since =
            message.moved_in ? moved_times_.at(message.sequence) : message.sent_at;
        if (!first) first = since;
        if (message.receive_count < receives_max) oldest = since;
        return !oldest && ++searched < search_max;
    });
    return oldest ? oldest : first;
}

bool Queue::is_over(const Flight& flight) const {
    const Message* message = slab_.find(flight.slot, flight.sequence);
    return message == nullptr || message->state != State::in_flight ||
           message->received_at != flight.since;
}

/// Hand-outs come in the order of time, so that this is a look at one other entry.
void Queue::note_flight(Slot slot) {
    const Message& message = slab_[slot];
    flights_.push_back({.since = message.received_at, .slot = slot, .sequence = message.sequence});
    std::ranges::push_heap(flights_, std::greater<>());
}

/// After one has left: those that are over are dropped together, when they are more than half of
/// all, so that each costs a few steps however many were in flight at once.
void Queue::forget_flights() {
    if (counters_.in_flight == 0) {
        flights_.clear();
        if (flights_.capacity() > flights_kept_max) flights_.shrink_to_fit();
    } else if (flights_.size() > flights_over_max + 2 * counters_.in_flight) {
        drop_flights_over();
    }
}

void Queue::drop_flights_over() {
    std::erase_if(flights_, [this](const Flight& flight) { return is_over(flight); });
    // The message that is leaving may count as in flight still. Any more are of messages that were
    // hidden again, or handed out again in the same instant: the same hand-out, noted twice.
    if (flights_.size() > counters_.in_flight + 1) {
        const auto place = [](const Flight& flight) {
            return std::tuple(flight.since, flight.sequence);
        };
        std::ranges::sort(flights_, {}, place);
        const auto twice = std::ranges::unique(flights_, {}, place);
        flights_.erase(twice.begin(), twice.end());
    }
    std::ranges::make_heap(flights_, std::greater<>());
    if (flights_.capacity() > flights_kept_max && flights_.size() < flights_.capacity() / 4) {
        flights_.shrink_to_fit();
    }
}

std::optional<Instant> Queue::longest_in_flight() {
    for (std::size_t popped = 0; !flights_.empty() && is_over(flights_.front()); ++popped) {
        if (popped == flights_over_max) {
            drop_flights_over();
            break;
        }
        std::ranges::pop_heap(flights_, std::greater<>());
        flights_.pop_back();
    }
    if (flights_.empty()) return std::nullopt;
    return flights_.front().since;
}

std::vector<MessageView> Queue::peek(std::size_t offset, std::size_t max) const {
    std::vector<MessageView> views;
    for_each_in_order([&](Slot slot) {
        if (views.size() >= max) return false;
        if (offset > 0) {
            --offset;
        } else {
            views.push_back(view_of(slot));
        }
        return true;
    });
    return views;
}

std::vector<MessageView> Queue::list(std::uint32_t slot, Sequence after, std::size_t max) const {
    std::vector<MessageView> views;
    if (max == 0) return views;
    const Message* at = slab_.find(slot, after);
    const bool here = at != nullptr;
    const Slot next = here ? ArrivalList::next(slab_, slot) : no_slot;
    const Slot sent = here && !at->moved_in ? next : first_after(sent_, after);
    const Slot moved = here && at->moved_in ? next : first_after(moved_, after);
    merge(sent, moved, [&](Slot each) {
        views.push_back(view_of(each));
        return views.size() < max;
    });
    return views;
}

/// From both ends, since what is looked for is near one of them more often than not.
Slot Queue::first_after(const ArrivalList& list, Sequence sequence) const {
    Slot front = list.head();
    Slot back = list.tail();
    if (back == no_slot || slab_[back].sequence <= sequence) return no_slot;
    while (slab_[front].sequence <= sequence) {
        const Slot before = ArrivalList::prev(slab_, back);
        if (slab_[before].sequence <= sequence) return back;
        back = before;
        front = ArrivalList::next(slab_, front);
    }
    return front;
}

MessageView Queue::view_of(Slot slot) const {
    const Message& message = slab_[slot];
    MessageView view{
        .payload = message.payload,
        .group = std::string(group_key(message)),
        .slot = slot,
        .sequence = message.sequence,
        .sent_at = message.sent_at,
        .receive_count = message.receive_count,
        .source_queue = message.source_queue,
        .received_at = message.received_at,
        .priority = message.priority,
        .cancel_requested = message.cancel_requested};
    if (message.has_extras) {
        const Extras& extras = extras_.at(slot);
        view.max_receives = extras.traits.max_receives;
        view.deadline = extras.traits.deadline;
        view.note = extras.note;
    }
    if (message.state == State::visible || message.state == State::held) return view;
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
    std::size_t held = 0;
    Sequence last = 0;
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        require(message.sequence > last, "messages are out of order");
        last = message.sequence;
        require(message.state != State::free, "a listed message is free");
        held += message.state == State::held;
        counted.visible += message.state == State::visible || message.state == State::held;
        counted.in_flight += message.state == State::in_flight;
        counted.delayed += message.state == State::delayed;
        counted.bytes += message.payload.size();
        if (message.has_extras) {
            counted.bytes += extras_.at(slot).note.size();
            counted.bytes_in_memory += extras_.at(slot).note.size();
        }
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
    if (!fifo()) {
        require(standard_.count() + held == counters_.visible, "lines miss visible messages");
        require(standard_.in_order(), "a line is out of order");
    }
    check_extras();
    check_holds();
    check_flights();
    check_moved();
}

void Queue::check_moved() const {
    const auto require = [](bool right, const char* what) {
        if (!right) throw std::logic_error(std::string("engine: ") + what);
    };
    std::unordered_set<Sequence> watched;
    for (const MovedTimes::Expiry& expiry : moved_times_.expiries())
        watched.insert(expiry.sequence);
    std::size_t moved = 0;
    for (Slot slot = moved_.head(); slot != no_slot; slot = ArrivalList::next(slab_, slot)) {
        ++moved;
        require(
            ages() == watched.contains(slab_[slot].sequence),
            "the expiry of a message from another queue is not watched"
        );
    }
    require(moved == moved_times_.messages(), "messages from other queues are counted wrong");
    require(
        moved_times_.entries() <= moved_times_.entries_max(),
        "times of messages pile up that are gone"
    );
}

void Queue::check_flights() const {
    std::unordered_set<Slot> under_way;
    for (const Flight& flight : flights_) {
        if (!is_over(flight)) under_way.insert(flight.slot);
    }
    if (under_way.size() != counters_.in_flight) {
        throw std::logic_error("engine: hand-outs are missing");
    }
    const std::size_t flights_max =
        counters_.in_flight == 0 ? 0 : flights_over_max + 2 * counters_.in_flight;
    if (flights_.size() > flights_max) {
        throw std::logic_error("engine: hand-outs that are over pile up");
    }
}

/// What stands beside the messages: traits and notes, unique keys, deadlines, the index of ids.
void Queue::check_extras() const {
    const auto require = [](bool right, const char* what) {
        if (!right) throw std::logic_error(std::string("engine: ") + what);
    };
    std::size_t extras = 0;
    std::size_t with_deadline = 0;
    std::unordered_set<std::string_view> keys;
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        require(
            !message.cancel_requested || message.state == State::in_flight,
            "a message that is to be cancelled waits"
        );
        if (index_.built()) {
            const Slot found = index_.find(slab_, message.payload.id());
            require(found != no_slot, "the index of ids misses a message");
            require(slab_[found].payload.id() == message.payload.id(), "the index of ids is wrong");
        }
        if (!message.has_extras) return true;
        ++extras;
        const Extras& own = extras_.at(slot);
        with_deadline += own.traits.deadline != Instant{};
        if (!has_unique_key(own.traits)) return true;
        keys.insert(own.traits.unique_key);
        Slot holder = unique_.newest(own.traits.unique_key);
        while (holder != no_slot && holder != slot)
            holder = extras_.at(holder).older;
        require(holder == slot, "a unique key misses its message");
        return true;
    });
    require(extras == extras_.size(), "there are extras of messages that are gone");
    require(keys.size() == unique_.keys_held(), "there are unique keys of messages that are gone");
    require(with_deadline == deadlines_.messages(), "messages with a deadline are counted wrong");
    require(!index_.built() || index_.size() == slab_.size(), "the index of ids has too many");
    std::unordered_set<Sequence> watched;
    for (const Deadlines::Entry& entry : deadlines_.entries())
        watched.insert(entry.sequence);
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        const bool needed = message.has_extras && message.state != State::in_flight &&
                            extras_.at(slot).traits.deadline != Instant{};
        require(!needed || watched.contains(message.sequence), "a deadline is not watched");
        return true;
    });
}

/// Who is in flight, and who is held back for it.
void Queue::check_holds() const {
    const auto require = [](bool right, const char* what) {
        if (!right) throw std::logic_error(std::string("engine: ") + what);
    };
    std::unordered_map<std::string_view, UniqueKeys::Key> counted;
    for_each_in_order([&](Slot slot) {
        const Message& message = slab_[slot];
        const bool keyed = message.has_extras && has_unique_key(extras_.at(slot).traits);
        require(keyed || message.state != State::held, "a message without a key is held back");
        if (!keyed) return true;
        const Extras& extras = extras_.at(slot);
        UniqueKeys::Key& key = counted[extras.traits.unique_key];
        key.in_flight += message.state == State::in_flight;
        key.yielding += extras.yields;
        key.held += message.state == State::held;
        const bool must = extras.yields && flies(extras.traits.unique_key);
        require(!must || message.state != State::visible, "a message should be held back");
        require(must || message.state != State::held, "a message is held back for nobody");
        return true;
    });
    for (const auto& [name, key] : counted) {
        const UniqueKeys::Key* known = unique_.find(name);
        require(
            known != nullptr && known->in_flight == key.in_flight &&
                known->yielding == key.yielding && known->held == key.held,
            "what the messages with a key are up to is counted wrong"
        );
    }
    require(let_go_.empty(), "somebody is held back no more, but in no line");
}

}  // namespace tranter::engine
