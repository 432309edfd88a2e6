#include "world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace tranter::store_sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

std::string describe(Duration time) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time).count()) + " ms";
}

World::World(const Scenario& scenario, Tally& tally)
    : scenario_(scenario), tally_(tally), choices_(std::make_unique<sim::SeededChoices>(1)) {
    disk_.decide_by(*choices_);
    clock_.set(scenario_.start);
    open_store();
    base_ = live_ = {};
    disk_.set_faults(scenario_.faults);
    disk_.while_busy([this] { overlap(); });
}

World::~World() {
    // Whatever is still waiting must not be answered any more.
    ++process_;
}

void World::say(const std::string& text) {
    if (!keeps_history_) return;
    const auto since = std::chrono::duration_cast<milliseconds>(now() - scenario_.start).count();
    history_.push_back(std::to_string(since) + " ms  " + text);
}

void World::note(std::uint64_t what) {
    trace_ = (trace_ ^ what) * 1099511628211ULL;
}

void World::step(const Step& step) {
    choices_ = std::make_unique<sim::SeededChoices>(step.seed);
    disk_.decide_by(*choices_);
    ++tally_.steps;
    note(static_cast<std::uint64_t>(step.kind));
    try {
        run(step.kind);
        check_reports();
    } catch (const Crash&) {
        const bool syncing = step.kind == Kind::sync || step.kind == Kind::rest;
        say("the process dies in: " + std::string(kind_names[static_cast<std::size_t>(step.kind)]));
        tally_.hit(
            step.kind == Kind::compact ? Probe::crash_in_compaction
            : syncing                  ? Probe::crash_in_sync
                                       : Probe::crash_in_write
        );
        crash(choices().percent(60));
    }
    // Who runs it restarts it in the end.
    if (!disk_.failed()) return;
    tally_.hit(Probe::log_failed);
    if (choices().percent(15)) crash(choices().percent(50));
}

void World::pass_some_time() {
    pass_time(choices().one_of<Duration>(
        {milliseconds(10),
         milliseconds(10),
         seconds(1),
         seconds(4),
         seconds(40),
         minutes(6),
         hours(1)}
    ));
}

void World::run(Kind kind) {
    switch (kind) {
        case Kind::send:
            return send();
        case Kind::receive:
            return receive();
        case Kind::acknowledge:
            return acknowledge();
        case Kind::change_visibility:
            return change_visibility();
        case Kind::take_back:
            return take_back();
        case Kind::send_batch:
            return send_batch();
        case Kind::settle:
            return settle();
        case Kind::extend:
            return extend();
        case Kind::keep_note:
            return keep_note();
        case Kind::cancel:
            return cancel();
        case Kind::promote:
            return promote();
        case Kind::move_job:
            return move_job();
        case Kind::create_queue:
            return create_queue();
        case Kind::delete_queue:
            return delete_queue();
        case Kind::purge:
            return purge();
        case Kind::change_settings:
            return change_settings();
        case Kind::start_move_task:
            return start_move_task();
        case Kind::cancel_move_task:
            return cancel_move_task();
        case Kind::write:
        case Kind::sync:
        case Kind::rest:
            return commit(kind);
        case Kind::compact:
            return compact();
        case Kind::run_due:
            return run_due();
        case Kind::check_space:
            return log().check_space();
        case Kind::pass_time:
            return pass_some_time();
        case Kind::kill:
            return crash(false);
        case Kind::power_cut:
            return crash(true);
        case Kind::plan_crash:
            return disk_.crash_in(static_cast<std::uint64_t>(choices().between(1, 15)));
        case Kind::fill_disk:
            return fill_disk();
        case Kind::relieve_disk:
            say("the disk has space");
            return disk_.set_capacity(VirtualDisk::unlimited);
        case Kind::forget_pages:
            return disk_.forget_failed_pages();
        case Kind::take_suffix:
            return take_suffix();
        case Kind::end:
            break;
    }
}

void World::pass_time(Duration time) {
    // Long waits only where they are wanted: most queues would be empty ever after.
    if (time >= hours(1) && !scenario_.short_times) time = seconds(10);
    const std::size_t before = live_.messages();
    clock_.set(now() + time);
    tally_.simulated_microseconds += static_cast<std::uint64_t>(time.count());
    live_.advance(now());
    tally_.hit(Probe::expired, before - live_.messages());
}

void World::commit(Kind kind) {
    const auto before = log().figures();
    const bool stuck = log().accepts() == log::Accepts::nothing;
    say(std::string(kind_names[static_cast<std::size_t>(kind)]));
    if (kind == Kind::write) {
        log().write();
    } else if (kind == Kind::sync) {
        log().sync();
    } else {
        log().rest();
    }
    note(log().end());
    const bool stuck_now = log().accepts() == log::Accepts::nothing;
    if (!stuck && stuck_now && !disk_.failed()) tally_.hit(Probe::no_space);
    if (stuck && !stuck_now) tally_.hit(Probe::space_again);
    tally_.hit(Probe::rotated, log().figures().newest_segment - before.newest_segment);
    if (stuck_now) {
        if (!waiting_.empty() && scenario_.percent_overlap == 0) {
            throw Violation(Invariant::acknowledged, "somebody waits for a log that stopped");
        }
        return;
    }
    if (disk_.failed()) {
        throw Violation(Invariant::acknowledged, "the log goes on after the disk failed");
    }
    check_waiters();
}

void World::compact() {
    const log::SegmentNumber oldest = log().figures().oldest_segment;
    last_event_at_ = now();  // what has ended by now is written as ended
    if (scenario_.steady) {
        keep_disk_bound();
    } else {
        const bool force = choices().percent(scenario_.percent_forced);
        for (std::int64_t steps = choices().between(1, 3); steps > 0; --steps) {
            if (compactor_->step(force) != log::Compactor::Need::step) break;
        }
    }
    const log::SegmentNumber gone = log().figures().oldest_segment - oldest;
    if (gone > 0) say("compacted up to segment " + std::to_string(oldest + gone));
    tally_.hit(Probe::compacted, gone);
}

/// Compacts until the log says that it is enough, as its thread would.
void World::keep_disk_bound() {
    constexpr int steps_max = 10'000;
    for (int steps = 0;; ++steps) {
        const auto need = compactor_->step();
        if (need == log::Compactor::Need::nothing) break;
        if (need == log::Compactor::Need::durable) log().sync();
        if (steps > steps_max) throw Violation(Invariant::disk_bound, "compaction never ends");
    }
    for (const auto& [id, queue] : live_.queues)
        look(id);
    const std::uint64_t live = store_->keeper().live_bytes();
    const std::uint64_t bytes = log().figures().bytes;
    // The last record of a segment may pass its size.
    const std::uint64_t segment = scenario_.log.segment_bytes + scenario_.body_bytes_max + 1000;
    if (bytes > 3 * live + 2 * segment) {
        throw Violation(
            Invariant::disk_bound,
            "the log has " + std::to_string(bytes) + " bytes, of which " + std::to_string(live) +
                " are live"
        );
    }
    // Nor may it take for live what is not: a message's record is its parts and some numbers.
    std::uint64_t known = 0;
    for (const auto& [id, queue] : live_.queues) {
        known += 2000 + (queue.ids.size() + queue.throttles.size()) * 300;
        for (const auto& [sequence, message] : queue.messages) {
            known += 400 + content_of(message.token, scenario_.body_bytes_max).body.size();
            known += message.note.size();
        }
    }
    known += 1000 + live_.tasks.size() * 300;
    if (live > known) {
        throw Violation(
            Invariant::disk_bound,
            std::to_string(live) + " bytes are said to be live, the messages have " +
                std::to_string(known)
        );
    }
}

void World::fill_disk() {
    const std::uint64_t left = choices().one_of<std::uint64_t>({0, 100, 100, 1000, 10'000, 30'000});
    say("the disk has " + std::to_string(left) + " bytes left");
    disk_.set_capacity(disk_.used_bytes() + left);
    log().check_space();
}

void World::collect_disk_tally() {
    const DiskTally& disk = disk_.tally();
    tally_.power_cuts += disk.power_cuts;
    tally_.kills += disk.kills;
    tally_.failed_syncs += disk.failed_syncs;
    tally_.failed_writes += disk.failed_writes;
    tally_.full_writes += disk.full_writes;
    tally_.torn_sectors += disk.torn_sectors;
}

}  // namespace tranter::store_sim
