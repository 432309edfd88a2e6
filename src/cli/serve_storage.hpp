#pragma once

#include "admin/storage.hpp"
#include "cli/server_config.hpp"
#include "storage/storage.hpp"

namespace tranter::cli {

/// Where `serve` keeps its queues.
storage::StorageOptions storage_options(const ServerConfig& config, bool repair);

/// What the admin port shows of it; `storage` outlives that.
admin::StorageSources storage_sources(const ServerConfig& config, const storage::Storage& storage);

/// One line that says what is promised and what was restored, and one for each thing to know.
void log_storage(const ServerConfig& config, const storage::StorageReport& opened);

/// Makes the configured queues, and brings those that were restored to what the configuration says;
/// what is as it should be is not touched. What there is no space for is left as it is, with a
/// warning. Throws SystemError that names the queue for anything else.
void settle_queues(broker::Broker& broker, const ServerConfig& config);

}  // namespace tranter::cli
