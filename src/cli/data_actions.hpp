#pragma once

#include "cli/args.hpp"

/// `tranter data ...`: commands on a data directory, without a server. What only looks takes no
/// lock and changes nothing, so that it works while a server runs.
namespace tranter::cli {

/// Reads every record of DIR. 1 when anything but the tail is damaged.
[[nodiscard]] Result<int> verify_data(const Arguments& arguments);
/// Prints every record of DIR.
[[nodiscard]] Result<int> dump_data(const Arguments& arguments);
/// How large DIR is, and what its queues hold.
[[nodiscard]] Result<int> stat_data(const Arguments& arguments);
/// Gives back the space of what is gone. Takes the lock.
[[nodiscard]] Result<int> compact_data(const Arguments& arguments);
/// Copies DIR to TARGET, as it is at some moment while this runs.
[[nodiscard]] Result<int> backup_data(const Arguments& arguments);
/// Makes a store that opens out of a damaged one. Takes the lock.
[[nodiscard]] Result<int> repair_data(const Arguments& arguments);

}  // namespace tranter::cli
