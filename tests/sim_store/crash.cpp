#include "log/scan.hpp"
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace tranter::store_sim {

/// The process ends in the middle of whatever it does, with or without the machine.
void World::crash(bool power) {
    say(power ? "POWER CUT" : "KILL");
    note(power ? 7 : 8);
    ++process_;
    waiting_.clear();
    disk_.while_busy({});
    power ? disk_.power_cut() : disk_.kill();
    compactor_.reset();
    compacting_ = false;
    store_.reset();
    last_crash_was_power_ = power;
    if (choices().percent(scenario_.percent_torn_later)) disk_.forget_failed_pages();
    if (clock_may_go_back_ && choices().percent(scenario_.percent_clock_back)) {
        tally_.hit(Probe::clock_went_back);
        // Not behind anything that was done: a delete has no time of its own in the log.
        clock_.set(std::max(now() - std::chrono::seconds(choices().between(1, 90)), last_event_at_)
        );
        say("the clock goes back");
    }
    if (disk_.holds_failed_pages()) tally_.hit(Probe::read_what_never_reached_the_disk);
    open_until_it_works();
    // What a failed sync lost is lost to a killed process as to a machine without power.
    const std::uint64_t forgotten = disk_.tally().forgotten;
    match_recovered(last_crash_was_power_ || forgotten != forgotten_before_);
    forgotten_before_ = forgotten;
}

/// Crashes and failures while recovering are followed by another try; in the end the disk behaves.
void World::open_until_it_works() {
    constexpr int tries_with_faults = 4;
    const DiskFaults faults = disk_.faults();
    for (int tries = 0;; ++tries) {
        if (tries >= tries_with_faults) {
            disk_.set_faults({});
            disk_.set_capacity(VirtualDisk::unlimited);
        } else if (choices().percent(scenario_.percent_crash_again)) {
            disk_.crash_in(static_cast<std::uint64_t>(choices().between(1, 12)));
        }
        try {
            open_store();
            break;
        } catch (const Crash&) {
            const bool power = choices().percent(50);
            say(power ? "POWER CUT while opening" : "KILL while opening");
            tally_.hit(Probe::crash_in_recovery);
            power ? disk_.power_cut() : disk_.kill();
            last_crash_was_power_ = last_crash_was_power_ || power;
        } catch (const log::CorruptLog& error) {
            throw Violation(Invariant::opens, error.what());
        } catch (const log::DiskError& error) {
            say(std::string("opening failed: ") + error.what());
            tally_.hit(Probe::failed_recovery);
            if (tries >= tries_with_faults) throw Violation(Invariant::opens, error.what());
            disk_.kill();
        }
    }
    disk_.crash_in(0);
    disk_.set_faults(faults);
    disk_.while_busy([this] { overlap(); });
}

broker::StoreOptions World::store_options() const {
    broker::StoreOptions options;
    options.log = scenario_.log;
    options.broker.memory_limit = scenario_.memory_limit;
    return options;
}

void World::open_store() {
    ++process_;
    ++tally_.recoveries;
    const Instant wall = now();
    store_ = std::make_unique<broker::Store>(
        disk_,
        store_options(),
        [&](Instant newest) -> const Clock& {
            clock_.set(std::max(wall, newest));
            recovered_end_ = disk_.log_end();
            return clock_;
        }
    );
    reports_.clear();
    reported_.clear();
    broker().on_ended([this, process = process_](
                          const broker::QueueHandle& queue,
                          const std::vector<broker::Broker::Ending>& endings
                      ) {
        for (const broker::Broker::Ending& ending : endings) {
            if (process == process_) take_report(queue->id(), ending);
        }
    });
    compactor_ = std::make_unique<log::Compactor>(store_->log(), store_->keeper());
    if (!store_->opened().log.torn_tail.empty()) tally_.hit(Probe::torn_tail);
    say("opened: " + std::to_string(store_->opened().messages) + " messages");
}

/// The store must be as some prefix of the events left it that contains everything acknowledged;
/// which prefix follows from where its log ends.
void World::match_recovered(bool power) {
    std::size_t required =
        power ? required_durable_ : std::max(required_durable_, required_written_);
    if (power && scenario_.log.durability == log::Durability::os) required = 0;
    const std::size_t all = events_.size();
    State state = survivors(broker(), recovered_end_, required);
    if (const auto mismatch = compare(state, broker(), scenario_.body_bytes_max, false)) {
        throw Violation(mismatch->invariant, "after a crash " + mismatch->text);
    }
    tally_.hit(kept_events_ < all ? Probe::lost_unsynced : Probe::kept_unsynced);
    base_ = std::move(state);
    live_ = base_;
    live_.advance(now());
    // What ended before may have been reported then; the next process reports what it ends.
    for (auto& [id, queue] : live_.queues)
        queue.ended.clear();
    events_.clear();
    if (power) forget_ghosts();
    required_durable_ = required_written_ = 0;
    for (const Task& task : live_.tasks) {
        if (task.running && live_.find(task.source) != nullptr) tally_.hit(Probe::task_resumed);
    }
    note(recovered_end_);
}

State World::survivors(broker::Broker& broker, Position end, std::size_t required) {
    State state = base_;
    kept_events_ = 0;
    for (std::size_t i = 0; i < events_.size(); ++i) {
        const Event& event = events_[i];
        bool there = event.end <= end;
        if (!there && event.begin < end) {
            // The operation's records were cut off somewhere in the middle.
            there = survived(event, broker);
            tally_.hit(Probe::part_of_operation);
        }
        if (!there && event.from_batch) tally_.hit(Probe::batch_lost);
        if (!there && i < required) {
            throw Violation(
                Invariant::nothing_lost, "acknowledged, but lost in a crash: " + describe(event)
            );
        }
        if (!there) continue;
        ++kept_events_;
        state.apply(event);
    }
    return state;
}

/// What the store itself shows of a single event.
bool World::survived(const Event& event, broker::Broker& broker) const {
    auto queue = broker.find_queue(event.queue);
    const auto view_of = [&](Sequence sequence) -> std::optional<engine::MessageView> {
        if (queue == nullptr) return std::nullopt;
        for (engine::MessageView& view : queue->peek(0, SIZE_MAX)) {
            if (view.sequence == sequence) return std::move(view);
        }
        return std::nullopt;
    };
    switch (event.kind) {
        case Event::Kind::created:
            return queue != nullptr;
        case Event::Kind::removed:
            return queue == nullptr;
        case Event::Kind::changed:
            return queue != nullptr && *queue->settings() == *event.settings;
        case Event::Kind::purged:
            return queue != nullptr && queue->peek(0, 1).empty();
        case Event::Kind::moved: {
            if (view_of(event.message.sequence)) return true;
            // It may have expired there since, if it is not still where it was.
            if (queue == nullptr) return false;
            const Duration retention = queue->settings()->engine.retention;
            queue = broker.find_queue(event.from);
            return retention > Duration::zero() && event.message.ages_from + retention <= now() &&
                   !view_of(event.from_sequence);
        }
        case Event::Kind::sent:
            return view_of(event.message.sequence).has_value();
        case Event::Kind::deleted:
            return !view_of(event.message.sequence).has_value();
        case Event::Kind::leased: {
            const auto view = view_of(event.message.sequence);
            const Message& wanted = event.message;
            const bool late =
                wanted.traits.deadline != Instant{} && wanted.traits.deadline <= event.at;
            if (wanted.state != Message::State::in_flight && (late || wanted.cancel_requested)) {
                return !view.has_value();
            }
            if (!view || view->receive_count != event.message.receive_count) return false;
            Message::State state = event.message.state;
            if (event.message.due <= now()) state = Message::State::visible;
            if (static_cast<Message::State>(view->state) != state) return false;
            return state == Message::State::visible || view->due == event.message.due;
        }
        case Event::Kind::task:
            break;
    }
    const auto source = broker.find_queue(event.task.source);
    if (source == nullptr) return true;
    for (const auto& found : broker.list_move_tasks(source->name(), 1000)) {
        const bool running = found.status == broker::MoveTask::Status::running;
        if (found.id == event.task.id) return running == event.task.running;
    }
    return false;
}

}  // namespace tranter::store_sim
