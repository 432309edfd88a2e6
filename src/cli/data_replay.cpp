#include "cli/data_replay.hpp"

#include "broker/store.hpp"
#include "cli/scratch_disk.hpp"

#include <optional>
#include <utility>

namespace tranter::cli {
namespace {

/// Less than any log: bodies stay there, since nobody asks for them.
constexpr std::uint64_t memory_limit = 1;

Replayed replay_once(log::Disk& disk) {
    ScratchDisk scratch(disk);
    std::optional<SteadyClock> clock;
    const broker::StoreOptions options{.broker = {.memory_limit = memory_limit}, .log = {}};
    broker::Store store(scratch, options, [&](Instant newest) -> const Clock& {
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
             .bytes = counters.bytes,
             .bytes_in_memory = counters.bytes_in_memory}
        );
    }
    return replayed;
}

}  // namespace

Replayed replay(const LookedAt& store) {
    // As in scan_settled: a running server changes the files meanwhile.
    for (int left = store.in_use ? read_tries_max : 1;; --left) {
        try {
            return replay_once(*store.disk);
        } catch (const SystemError&) {
            if (left == 1) throw;
        }
    }
}

}  // namespace tranter::cli
