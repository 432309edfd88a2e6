#include "cli/data_replay.hpp"

#include "broker/store.hpp"
#include "cli/scratch_disk.hpp"

#include <optional>
#include <utility>

namespace tranter::cli {
namespace {

constexpr int tries_max = 5;

Replayed replay_once(log::Disk& disk) {
    ScratchDisk scratch(disk);
    std::optional<SteadyClock> clock;
    broker::Store store(scratch, {}, [&](Instant newest) -> const Clock& {
        return clock.emplace(newest);
    });
    Replayed replayed{
        .messages = store.opened().messages,
        .live_bytes = store.keeper().live_bytes(),
        .torn_tail = store.opened().log.torn_tail};
    const broker::Broker& broker = store.broker();
    for (const auto& queue : broker.list_queues({}, {}, std::string::npos)) {
        const engine::Counters counters = queue->counters(broker.now());
        replayed.queues.push_back(
            {.name = queue->name(),
             .id = queue->id(),
             .visible = counters.visible,
             .in_flight = counters.in_flight,
             .delayed = counters.delayed,
             .bytes = counters.bytes}
        );
    }
    return replayed;
}

}  // namespace

Replayed replay(const LookedAt& store) {
    // As in scan_settled: a running server changes the files meanwhile.
    for (int left = store.in_use ? tries_max : 1;; --left) {
        try {
            return replay_once(*store.disk);
        } catch (const SystemError&) {
            if (left == 1) throw;
        }
    }
}

}  // namespace tranter::cli
