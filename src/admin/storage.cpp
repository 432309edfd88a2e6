#include "admin/storage.hpp"

#include "base/secrets.hpp"
#include "log/disk.hpp"

#include <optional>
#include <utility>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

constexpr std::pair<broker::Accepts, std::string_view> accepts_names[] = {
    {broker::Accepts::everything, "everything"},
    {broker::Accepts::no_growth, "no_growth"},
    {broker::Accepts::nothing, "nothing"},
};

constexpr double micros_per_second = 1e6;

/// Nothing when the disk cannot say it.
std::optional<std::uint64_t> free_bytes(const StorageSources& sources) {
    if (!sources.free_bytes) return std::nullopt;
    try {
        return sources.free_bytes();
    } catch (const log::DiskError&) {
        return std::nullopt;
    }
}

}  // namespace

HealthCheck check_storage(const broker::Journal& journal, const StorageSources& sources) {
    HealthCheck check{.name = "data"};
    if (sources.figures) {
        const log::LogFigures figures = sources.figures();
        if (figures.syncs > 0) {
            const std::uint64_t micros = figures.sync_micros / figures.syncs;
            check.latency_ms = static_cast<double>(micros) / 1e3;
        }
    }
    const broker::Accepts accepts = journal.accepts();
    if (accepts == broker::Accepts::everything) return check;
    const bool failed = accepts == broker::Accepts::nothing;
    check.health = failed ? Health::fail : Health::degraded;
    check.reason = without_secrets(journal.trouble());
    return check;
}

void write_segments(JsonWriter& json, const StorageSources& sources) {
    const log::LogFigures figures = sources.figures();
    json.member("oldest_segment", figures.oldest_segment)
        .member("newest_segment", figures.newest_segment)
        .member("bytes", figures.bytes);
}

void render_storage(
    Exposition& out, const StorageSources& sources, const broker::Journal& journal
) {
    if (!sources.figures) return;
    const log::LogFigures figures = sources.figures();
    const auto one = [&](std::string_view name, Type type, std::string_view help, auto value) {
        out.figure(name, type, help, static_cast<double>(value));
    };
    one("tranter_store_wal_bytes", Type::gauge, "Size of the log.", figures.bytes);
    one("tranter_store_wal_segments",
        Type::gauge,
        "Files of the log.",
        figures.newest_segment - figures.oldest_segment + 1);
    if (sources.live_bytes) {
        one("tranter_store_live_bytes",
            Type::gauge,
            "About how much of the log still matters.",
            sources.live_bytes());
    }
    if (const auto free = free_bytes(sources)) {
        one("tranter_store_free_bytes",
            Type::gauge,
            "Space left on the disk of the data directory.",
            *free);
    }
    one("tranter_store_commits_total", Type::counter, "Group commits.", figures.commits);
    one("tranter_store_appended_bytes_total",
        Type::counter,
        "Bytes of records appended to the log.",
        figures.appended_bytes);
    one("tranter_store_appended_records_total",
        Type::counter,
        "Records appended to the log.",
        figures.appended_records);
    constexpr std::string_view syncs = "tranter_store_fsync_duration_seconds";
    out.header(syncs, Type::summary, "Time that syncs of group commits took.");
    out.sample(
        "tranter_store_fsync_duration_seconds_sum",
        {},
        static_cast<double>(figures.sync_micros) / micros_per_second
    );
    out.sample(
        "tranter_store_fsync_duration_seconds_count", {}, static_cast<double>(figures.syncs)
    );
    one("tranter_store_recovery_seconds",
        Type::gauge,
        "How long opening the data directory took.",
        std::chrono::duration<double>(sources.recovery).count());
    out.header("tranter_store_accepts", Type::gauge, "1 for what the log still takes.");
    const broker::Accepts now = journal.accepts();
    for (const auto& [accepts, name] : accepts_names) {
        out.sample("tranter_store_accepts", {{"state", name}}, now == accepts ? 1 : 0);
    }
}

}  // namespace tranter::admin
