#include "world.hpp"

#include <algorithm>

namespace tranter::store_sim {

void World::begin_operation() {
    operation_begin_ = log().end();
    operation_first_ = events_.size();
    ++tally_.operations;
}

/// Now it is known how far the log has grown with it.
void World::end_operation() {
    const Position end = log().end();
    for (std::size_t i = operation_first_; i < events_.size(); ++i) {
        if (!events_[i].exact) events_[i].end = end;
    }
}

Event& World::add(Event event) {
    event.at = last_event_at_ = now();
    event.begin = operation_begin_;
    event.end = operation_begin_;
    live_.apply(event);
    note(static_cast<std::uint64_t>(event.kind) * 1'000'003 + event.message.sequence);
    events_.push_back(std::move(event));
    return events_.back();
}

/// The record of the last event is exactly there.
void World::stands_at(Position position) {
    Event& event = events_.back();
    event.begin = position;
    event.end = position + 1;
    event.exact = true;
}

/// The operation answered with this position: what it did stands there or before. The last record
/// up to there need not be one of its events: other messages may have ended by themselves in it.
void World::stand_up_to(Position position) {
    for (std::size_t i = operation_first_; i < events_.size(); ++i) {
        events_[i].end = position + 1;
        events_[i].exact = true;
    }
}

std::optional<std::size_t> World::find_event(Event::Kind kind, QueueId queue, Sequence sequence) {
    for (std::size_t i = events_.size(); i > 0; --i) {
        const Event& event = events_[i - 1];
        if (event.kind == kind && event.queue == queue && event.message.sequence == sequence) {
            return i - 1;
        }
    }
    return std::nullopt;
}

/// The client gets its answer when the log says so, and from then on the first `events` events must
/// survive.
void World::wait_for(Until until, Position position, std::size_t events, Probe probe) {
    const std::uint64_t id = ++next_wait_;
    const std::uint64_t process = process_;
    // Of what happens after a failure nothing may ever be acknowledged.
    const bool too_late = disk_.failed() && events > operation_first_ && events == events_.size();
    waiting_[id] = {until, position};
    auto answer = [this, id, process, until, events, probe, too_late](bool reached) {
        if (process != process_) return;
        waiting_.erase(id);
        note(reached ? 1 : 2);
        if (!reached) return;
        if (too_late) {
            throw Violation(
                Invariant::acknowledged,
                "acknowledged after the disk failed: " + describe(events_[events - 1])
            );
        }
        tally_.hit(probe);
        std::size_t& required = until == Until::durable ? required_durable_ : required_written_;
        required = std::max(required, events);
        for (std::size_t i = 0; until == Until::durable && i < events; ++i) {
            const Event& event = events_[i];
            if (event.kind != Event::Kind::sent) continue;
            Sequence& highest = exposed_durable_[event.queue];
            highest = std::max(highest, event.message.sequence);
            expose(event.queue, event.message.sequence);
        }
        for (std::size_t i = 0; probe == Probe::acked_queue_change && i < events; ++i) {
            if (events_[i].kind != Event::Kind::created) continue;
            last_exposed_queue_ = std::max(last_exposed_queue_, events_[i].queue);
        }
    };
    if (until == Until::durable) {
        journal().when_durable(position, std::move(answer));
    } else {
        journal().when_written(position, std::move(answer));
    }
}

/// After a sync that succeeded nobody may be left waiting for what it covered.
void World::check_waiters() {
    for (const auto& [id, wait] : waiting_) {
        const auto [until, position] = wait;
        const bool reached = until == Until::durable ? journal().is_durable(position)
                                                     : journal().is_written(position);
        if (!reached) continue;
        throw Violation(Invariant::acknowledged, "somebody waits for what is done already");
    }
}

void World::expose(QueueId queue, Sequence sequence) {
    exposed_[queue] = std::max(exposed_[queue], sequence);
}

/// Nobody waits for the disk before a message is handed out, so after a power cut a consumer may
/// hold a receipt of a message that never was. Its number may be given again.
void World::forget_ghosts() {
    if (scenario_.log.durability == log::Durability::os) {
        exposed_durable_.clear();
        last_exposed_queue_ = base_.queues.empty() ? 0 : base_.queues.rbegin()->first;
    }
    exposed_ = exposed_durable_;
    for (const auto& [id, queue] : live_.queues) {
        if (!queue.messages.empty()) expose(id, queue.messages.rbegin()->first);
    }
    std::erase_if(issued_, [&](const Issued& issued) {
        return issued.receipt.sequence > exposed_[issued.queue];
    });
}

}  // namespace tranter::store_sim
