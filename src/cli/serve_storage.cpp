#include "cli/serve_storage.hpp"

#include "base/log.hpp"
#include "cli/queue_settings.hpp"
#include "storage/machine.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

constexpr Duration clock_tolerance = std::chrono::seconds(1);

std::string_view promise(DurabilityLevel durability) {
    return durability == DurabilityLevel::sync
               ? "every acknowledged change is synced to the data directory"
               : "every acknowledged change is written to the data directory, not synced";
}

/// A disk without space must not keep a server from handing out what it holds.
void refused(std::string_view what, const std::string& queue, const Error& error) {
    if (error.code() != Errc::unavailable) {
        throw SystemError("queue " + queue + ": " + error.message());
    }
    log_warn("serve", what, {{"queue", queue}, {"why", error.message()}});
}

void apply_configuration(
    broker::Broker& broker,
    const broker::QueueHandle& queue,
    const QueueConfig& configured,
    const ServerConfig& config
) {
    const auto restored = queue->settings();
    broker::QueueSettings wanted = merge_settings(*restored, configured, config);
    if (wanted.engine.deduplication_scope != restored->engine.deduplication_scope) {
        throw SystemError(
            "queue " + queue->name() +
            ": deduplication_scope is another than in the data directory, where it was fixed when "
            "the queue was made; configure it as it was or delete the queue"
        );
    }
    if (wanted == *restored) return;
    const std::string changes = describe_changes(*restored, wanted);
    const auto changed =
        broker.change_settings(queue, [&](broker::QueueSettings& settings) -> Result<> {
            settings = std::move(wanted);
            return {};
        });
    if (!changed) {
        return refused(
            "the queue keeps its settings until the next start", queue->name(), changed.error()
        );
    }
    log_info(
        "serve",
        "queue follows the configuration now",
        {{"queue", queue->name()}, {"changed", changes}}
    );
}

}  // namespace

storage::StorageOptions storage_options(const ServerConfig& config, bool repair) {
    storage::StorageOptions options;
    options.broker.delete_cooldown = config.delete_cooldown;
    options.broker.purge_cooldown = config.purge_cooldown;
    options.broker.bytes_max = config.data_max;
    options.broker.memory_limit =
        config.memory_limit > 0 ? config.memory_limit : storage::machine_memory() / 2;
    if (!keeps_data(config)) return options;
    options.directory = config.data;
    options.durability =
        config.durability == DurabilityLevel::os ? log::Durability::os : log::Durability::sync;
    options.segment_bytes = config.segment_size;
    options.repair = repair;
    return options;
}

admin::StorageSources storage_sources(const ServerConfig& config, const storage::Storage& storage) {
    if (storage.store() == nullptr) return {};
    broker::Store& store = *storage.store();
    return {
        .durability = config.durability == DurabilityLevel::sync ? "sync" : "os",
        .recovery = storage.opened().took,
        .figures = [&store] { return store.log().figures(); },
        .live_bytes = [&store] { return store.keeper().live_bytes(); },
        .free_bytes =
            [&storage] {
                return storage.free_bytes();
            }};
}

void log_storage(const ServerConfig& config, const storage::StorageReport& opened) {
    if (!keeps_data(config)) {
        if (!config.data.empty()) {
            log_warn("serve", "the data directory is not used", {{"durability", "none"}});
        }
        log_warn("serve", "messages are kept in memory only and are gone when the server stops");
        return;
    }
    log_info(
        "serve",
        promise(config.durability),
        {{"data", config.data},
         {"queues", opened.queues},
         {"messages", opened.messages},
         {"opened_in_ms", opened.took.count() / 1000},
         {"torn_tail", opened.torn_tail.empty() ? "none" : opened.torn_tail}}
    );
    if (opened.made) log_info("serve", "the data directory is new", {{"data", config.data}});
    for (const log::Damage& lost : opened.lost) {
        log_warn(
            "serve",
            "lost to damage",
            {{"file", lost.file}, {"offset", lost.offset}, {"what", lost.what}}
        );
    }
    if (opened.clock_behind > clock_tolerance) {
        log_warn(
            "serve",
            "the wall clock is behind what the data directory has seen; time goes on from there",
            {{"behind_ms", opened.clock_behind.count() / 1000}}
        );
    }
    if (opened.writable_by_all) {
        log_warn(
            "serve",
            "the data directory can be written by every user, chmod 700 it",
            {{"data", config.data}}
        );
    }
}

void settle_queues(broker::Broker& broker, const ServerConfig& config) {
    for (const QueueConfig& queue : config.queues) {
        if (const auto restored = broker.find_queue(queue.name)) {
            apply_configuration(broker, restored, queue, config);
            continue;
        }
        const auto made = broker.create_queue(queue.name, queue_settings(queue, config));
        if (!made)
            refused(
                "the configured queue is not made before the next start", queue.name, made.error()
            );
    }
}

}  // namespace tranter::cli
