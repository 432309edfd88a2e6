#pragma once

#include "admin/exposition.hpp"
#include "admin/health.hpp"
#include "base/json_writer.hpp"
#include "broker/broker.hpp"
#include "log/log.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tranter::admin {

/// Where to ask about the data directory; without one nothing but `durability` is set. All are
/// thread-safe and never wait for the disk.
struct StorageSources {
    std::string_view durability = "none";  // os, sync
    Duration recovery{};                   // how long opening it took
    std::function<log::LogFigures()> figures{};
    std::function<std::uint64_t()> live_bytes{};
    std::function<std::uint64_t()> free_bytes{};  // may throw log::DiskError
};

/// degraded: what frees space works; fail: nothing is accepted. The latency is that of syncs.
HealthCheck check_storage(const broker::Journal& journal, const StorageSources& sources);

/// Members of the check; only with a data directory.
void write_segments(JsonWriter& json, const StorageSources& sources);

/// Nothing without a data directory.
void render_storage(Exposition& out, const StorageSources& sources, const broker::Journal& journal);

}  // namespace tranter::admin
