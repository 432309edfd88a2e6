#pragma once

#include "admin/exposition.hpp"
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

struct StorageHealth {
    std::string_view status = "ok";  // degraded: what frees space works; fail: nothing is accepted
    std::string reason{};            // empty: all is well
};
StorageHealth storage_health(const broker::Journal& journal);

/// An element of the list of checks; nothing without a data directory.
void write_health(JsonWriter& json, const StorageHealth& health, const StorageSources& sources);

/// Nothing without a data directory.
void render_storage(Exposition& out, const StorageSources& sources, const broker::Journal& journal);

}  // namespace tranter::admin
