#include "broker/store.hpp"
#include "cli/data_actions.hpp"
#include "cli/data_files.hpp"
#include "cli/terminal.hpp"
#include "log/directory.hpp"
#include "storage/log_sizes.hpp"
#include "storage/machine.hpp"

#include <optional>
#include <utility>

namespace tranter::cli {
namespace {

/// A store that exists, with its lock. Only looking first, because taking the lock makes a
/// directory.
Result<std::unique_ptr<log::DataDirectory>> take(const std::string& directory) {
    const auto store = look_at(directory);
    if (!store) return std::unexpected(store.error());
    return std::make_unique<log::DataDirectory>(directory);
}

/// Nobody frees space meanwhile, so what finds none is not tried again.
void commit(log::Log& log, log::Position position) {
    if (log.is_durable(position)) return;
    log.sync();
    if (!log.is_durable(position)) throw SystemError("cannot compact: " + log.trouble());
}

/// Without `force` until nothing is worth it; with it until the segments of before are gone.
void compact(broker::Store& store, bool force, Progress& progress) {
    log::Log& log = store.log();
    log::Compactor compactor(log, store.keeper());
    const log::SegmentNumber newest = log.figures().newest_segment;
    while (!force || log.figures().oldest_segment < newest) {
        const auto need = compactor.step(force);
        if (need == log::Compactor::Need::nothing) break;
        if (need == log::Compactor::Need::durable) commit(log, compactor.position());
        progress.update(log.figures().oldest_segment);
    }
    commit(log, log.end());
    log.rest();
}

}  // namespace

Result<int> compact_data(const Arguments& arguments) {
    const std::string path = arguments.text("DIR");
    const auto directory = take(path);
    if (!directory) return std::unexpected(directory.error());
    std::optional<SteadyClock> clock;
    const broker::StoreOptions options{
        .broker = {.memory_limit = storage::machine_memory() / 2},
        .log = storage::fit_log_options({}, storage::file_system_bytes(path))};
    broker::Store store((*directory)->disk(), options, [&](Instant newest) -> const Clock& {
        return clock.emplace(newest);
    });
    if (const std::string& torn = store.opened().log.torn_tail; !torn.empty()) {
        say("a torn tail was cut: " + torn);
    }
    const log::LogFigures before = store.log().figures();
    Progress progress;
    progress.start("compacting, segment", before.newest_segment);
    compact(store, arguments.is_on("force"), progress);
    progress.stop();

    const log::LogFigures after = store.log().figures();
    const auto segments = [](const log::LogFigures& figures) {
        return figures.newest_segment - figures.oldest_segment + 1;
    };
    Json record;
    record.set("directory", path)
        .set("segments_before", segments(before))
        .set("segments", segments(after))
        .set("bytes_before", before.bytes)
        .set("bytes", after.bytes);
    data_output(arguments, progress).one(record);
    return 0;
}

Result<int> repair_data(const Arguments& arguments) {
    const auto directory = take(arguments.text("DIR"));
    if (!directory) return std::unexpected(directory.error());
    Progress progress;
    progress.start("reading records");
    const auto lost = real_damage(log::repair_store((*directory)->disk()));
    progress.stop();
    Output output = data_output(arguments, progress);
    output.begin({{"file", "FILE"}, {"offset", "OFFSET"}, {"what", "WHAT WAS LOST"}});
    for (const log::Damage& damage : lost)
        output.row(damage_record(damage));
    output.end();
    if (lost.empty()) say("nothing is damaged");
    return 0;
}

}  // namespace tranter::cli
