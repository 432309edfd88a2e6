#include "log/format.hpp"
#include "log/scan.hpp"
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace tranter::store_sim {
namespace {

struct Record {
    log::Position at = 0;
    log::RecordType type = 0;
    std::string body;
    bool operator==(const Record&) const = default;
};

class Collector final : public log::RecordVisitor {
  public:
    void record(log::Position at, log::RecordType type, std::string_view body) override {
        records.push_back({.at = at, .type = type, .body = std::string(body)});
    }
    std::vector<Record> records;
};

}  // namespace

/// Every suffix of segments is self-contained: without the oldest ones it is a store that holds
/// nothing but what this one holds, and all of that as it is.
void World::take_suffix() {
    const auto twin = disk_.copy();
    const auto segments = log::list_segments(*twin);
    if (segments.size() < 2) return;
    const std::uint64_t dropped =
        choices().between(1, static_cast<std::int64_t>(segments.size()) - 1);
    for (std::uint64_t i = 0; i < dropped; ++i)
        twin->remove(log::segment_name(segments[i]));
    say("a copy without " + std::to_string(dropped) + " segments is opened");
    try {
        VirtualClock clock;
        clock.set(now());
        Position end = 0;
        broker::Store store(*twin, store_options(), [&](Instant) -> const Clock& {
            end = twin->log_end();
            return clock;
        });
        State state = survivors(store.broker(), end, 0);
        tally_.hit(Probe::suffix_opened);
        if (const auto mismatch = compare(state, store.broker(), scenario_.body_bytes_max, true)) {
            throw Violation(Invariant::self_contained, "in a suffix " + mismatch->text);
        }
    } catch (const log::CorruptLog& error) {
        throw Violation(Invariant::self_contained, error.what());
    }
}

/// One bit of what is safely on the disk is read wrong ever after.
void World::flip_a_bit() {
    log().rest();
    const auto whole = disk_.copy();
    const auto twin = disk_.copy();
    std::vector<std::string> files = twin->list();
    const std::string& file = files[choices().below(files.size())];
    const std::uint64_t bytes = twin->content(file).size();
    if (bytes == 0) return;
    const std::uint64_t offset = choices().below(bytes);
    say("a bit of " + file + " at " + std::to_string(offset) + " flips in a copy");
    twin->flip(file, offset, static_cast<unsigned>(choices().below(8)));
    try {
        judge_flip(*twin, file, offset);
    } catch (const log::CorruptLog& error) {
        tally_.hit(Probe::flip_refused);
        const std::string text = error.what();
        // A version that is not ours has no place of its own.
        const bool placed =
            text.find("offset") != std::string::npos || text.find("format") != std::string::npos;
        if (text.find(file) == std::string::npos || !placed) {
            throw Violation(Invariant::corruption, "does not name file and offset: " + text);
        }
        if (log::parse_segment_name(file)) judge_repair(*twin, *whole, file, offset);
    }
}

/// It opened, so the flip must have hit bytes that mean nothing.
void World::judge_flip(VirtualDisk& twin, const std::string& file, std::uint64_t offset) {
    VirtualClock clock;
    clock.set(now());
    broker::Store store(twin, store_options(), [&](Instant) -> const Clock& { return clock; });
    tally_.hit(Probe::flip_harmless);
    const auto mismatch = compare(live_, store.broker(), scenario_.body_bytes_max, false);
    if (!mismatch) return;
    throw Violation(
        Invariant::corruption,
        "a flipped bit of " + file + " at " + std::to_string(offset) +
            " went unnoticed: " + mismatch->text
    );
}

/// A repair loses no more than the record that holds the bit.
void World::judge_repair(
    VirtualDisk& twin, const VirtualDisk& whole, const std::string& file, std::uint64_t offset
) {
    Collector before;
    const auto intact = whole.copy();
    log::scan_store(*intact, false, before);
    const auto lost = log::repair_store(twin);
    const bool named =
        std::ranges::any_of(lost, [&](const log::Damage& damage) { return damage.file == file; });
    if (!named) throw Violation(Invariant::corruption, "the repair does not list " + file);
    Collector after;
    const auto scan = log::scan_store(twin, false, after);
    for (const log::Damage& damage : scan.damage()) {
        if (damage.torn_tail) continue;
        throw Violation(Invariant::corruption, "still damaged after a repair: " + damage.what);
    }
    const log::Position at =
        log::make_position(*log::parse_segment_name(file), static_cast<std::uint32_t>(offset));
    auto next = after.records.begin();
    for (const Record& record : before.records) {
        const bool hit = record.at <= at && at < record.at + log::frame_bytes(record.body.size());
        if (hit && after.records.size() < before.records.size()) continue;
        if (next != after.records.end() && next->type == record.type && next->body == record.body) {
            ++next;
            continue;
        }
        throw Violation(
            Invariant::corruption,
            "the repair lost the record at " + std::to_string(log::offset_of(record.at)) +
                " for a bit at " + std::to_string(offset) + " of " + file
        );
    }
    if (next != after.records.end()) {
        throw Violation(Invariant::corruption, "the repair invented records");
    }
    VirtualClock clock;
    clock.set(now());
    broker::Store store(twin, store_options(), [&](Instant) -> const Clock& { return clock; });
    tally_.hit(Probe::repaired);
    for (const auto& handle : store.broker().list_queues({}, {}, SIZE_MAX)) {
        for (const engine::MessageView& view : handle->peek(0, SIZE_MAX)) {
            const auto payload = store.broker().with_bytes(view.payload);
            if (is_intact(payload, scenario_.body_bytes_max, true)) continue;
            throw Violation(Invariant::payload_intact, "a repaired store holds a damaged body");
        }
    }
}

}  // namespace tranter::store_sim
