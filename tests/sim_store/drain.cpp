#include "world.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tranter::store_sim {
namespace {

constexpr int rounds_max = 3000;

}  // namespace

void World::finish(std::uint64_t seed) {
    choices_ = std::make_unique<sim::SeededChoices>(seed);
    disk_.decide_by(*choices_);
    disk_.set_faults({});
    disk_.set_capacity(VirtualDisk::unlimited);
    disk_.crash_in(0);
    say("the faults end");
    clock_may_go_back_ = false;
    crash(true);
    disk_.while_busy({});
    if (scenario_.damage) flip_a_bit();
    resume_queues();
    drain();
    for (int looks = 0; looks < 2; ++looks) {
        clock_.set(now() + std::chrono::seconds(2));
        run_due();
        check_reports();
    }
    for (const auto& [id, queue] : live_.queues) {
        if (queue.ended.empty()) continue;
        throw Violation(
            Invariant::reported,
            "number " + std::to_string(queue.ended.front()) + " of " + queue.name +
                " ended, but nobody was told"
        );
    }
    // What was drained stays away.
    log().sync();
    check_waiters();
    crash(true);
    disk_.while_busy({});
    if (live_.messages() != 0) {
        throw Violation(Invariant::no_ghosts, "drained messages are there again");
    }
    keep_disk_bound();
    collect_disk_tally();
}

void World::drain() {
    for (int round = 0; round < rounds_max; ++round) {
        run_due();
        live_.advance(now());
        if (live_.messages() == 0) return;
        bool progress = false;
        std::vector<QueueId> ids;
        for (const auto& [id, queue] : live_.queues)
            ids.push_back(id);
        for (const QueueId id : ids)
            progress = drain_queue(id) || progress;
        if (progress) continue;
        Instant next = Instant::max();
        for (const auto& [id, queue] : live_.queues) {
            for (const auto& [sequence, message] : queue.messages) {
                if (message.state != Message::State::visible) next = std::min(next, message.due);
            }
        }
        if (next == Instant::max()) break;
        clock_.set(std::max(next, now()));
    }
    throw Violation(Invariant::drains, "messages stay in the store for good");
}

bool World::drain_queue(QueueId id) {
    live_.queues.at(id).advance(now());
    const std::size_t before = events_.size();
    receive_from(id, {.max_messages = 10, .visibility_timeout = std::chrono::seconds(1)});
    log().sync();
    std::vector<Issued> fresh;
    for (const Issued& issued : issued_) {
        const auto message = live_.queues.at(id).messages.find(issued.receipt.sequence);
        if (issued.queue == id && message != live_.queues.at(id).messages.end() &&
            message->second.state == Message::State::in_flight &&
            message->second.deliveries == issued.receipt.delivery) {
            fresh.push_back(issued);
        }
    }
    for (const Issued& issued : fresh)
        delete_by(issued);
    log().sync();
    check_waiters();
    return events_.size() != before;
}

}  // namespace tranter::store_sim
